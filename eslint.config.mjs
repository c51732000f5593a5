// The lint rules: typescript-eslint's strictest set, and what is special here. No rule counts lines.
import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const nodeIpcOnlyInListen = {
  name: 'node-ipc',
  message: 'Only src/transport/listen.ts knows node-ipc; the rest of src knows links.',
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      // `typeof import('node:os')` is how one names the type of a remote module.
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      // A `default` that handles the rest, or refuses it, is exhaustive too.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Numbers read well in messages; `() => log(x)` and `return send(x)` are no confusion.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // What the other side threw is thrown on here, and that may be anything.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // `manager.create<T>(typeid)`: what is at the other end only the caller knows.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-imports': ['error', nodeIpcOnlyInListen],
    },
  },
  {
    // The only file that may load node-ipc, and it does so when it first listens.
    files: ['src/transport/listen.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-require-imports': ['error', { allow: ['^node-ipc$'] }],
    },
  },
  {
    // An optional package, loaded when it is asked for.
    files: ['src/wire/serializers.ts'],
    rules: { '@typescript-eslint/no-require-imports': ['error', { allow: ['^msgpackr/'] }] },
  },
  {
    // Tests hand over what no typed program would, reach for what is surely there, and throw at
    // random; programs that show or measure something may load what is optional.
    files: ['test/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'],
    rules: {
      // What a reader of a test would rather see spelled out.
      '@typescript-eslint/no-unnecessary-type-arguments': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      // A test of types has values for their types alone; one of the collector drops its last handle.
      '@typescript-eslint/no-unused-vars': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      'no-useless-assignment': 'off',
      'no-constant-binary-expression': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-require-imports': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-plus-operands': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Plain JavaScript is configuration, scripts and fixtures; Node's globals are all there.
    files: ['**/*.{js,cjs,mjs}'],
    rules: { 'no-undef': 'off' },
  },
  { files: ['**/*.{js,cjs}'], languageOptions: { sourceType: 'commonjs' } },
);
