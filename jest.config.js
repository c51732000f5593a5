'use strict';
// Two projects: `unit`, and `gc`, whose tests may call the garbage collector.

/** node-ipc and its dependencies, which jest can only load as CommonJS. */
const esmOnly =
  '/node_modules/(?:node-ipc|event-pubsub|strong-type|js-message|js-queue|easy-stack)/';

/** TypeScript is only transpiled here (`isolatedModules`); `npm run typecheck` checks it. */
const project = {
  testEnvironment: 'node',
  transform: {
    '\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json', diagnostics: false }],
    [esmOnly]: '<rootDir>/test/support/esm-transform.js',
  },
  transformIgnorePatterns: [`^(?!.*${esmOnly}).*/node_modules/`],
};

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    {
      ...project,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/gc/'],
    },
    {
      ...project,
      displayName: 'gc',
      testMatch: ['<rootDir>/test/gc/**/*.test.ts'],
      setupFiles: ['<rootDir>/test/support/expose-gc.js'],
    },
  ],
  globalSetup: '<rootDir>/test/support/fast-children.js',
  testTimeout: 10_000,
  // A process of its own for each file: what a collector finds, and when, depends on all that ran before.
  maxWorkers: 2,
  // Of the tests of a file that say they may run side by side.
  maxConcurrency: 2,
  workerIdleMemoryLimit: '1MB',
  // The default one rewrites functions, and then their text cannot run in another process.
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts'],
};
