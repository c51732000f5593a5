// What a user installs beside us, and that it is the very thing we have tried.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const read = (path: string) => readFileSync(resolve(__dirname, '..', path), 'utf8');
const manifest = JSON.parse(read('package.json'));
const lockText = read('package-lock.json');
const lock = JSON.parse(lockText);

describe('the dependencies', () => {
  it('are node-ipc alone, at one exact version', () => {
    expect(manifest.dependencies).toEqual({ 'node-ipc': '14.0.0' });
    expect(lock.packages[''].dependencies).toEqual({ 'node-ipc': '14.0.0' });
  });

  it('have msgpackr beside them, for those who ask for it', () => {
    expect(manifest.peerDependencies).toEqual({ msgpackr: '^2.1.3' });
    expect(manifest.peerDependenciesMeta).toEqual({ msgpackr: { optional: true } });
  });

  it('lock node-ipc by the hash of what we have read', () => {
    expect(lock.packages['node_modules/node-ipc']).toMatchObject({
      version: '14.0.0',
      integrity:
        'sha512-d5+aogND4Gk6aQkW5KCibliM4Mn12+isHXt8wFghO4Bn0gBSnev3TXJWQ4eEnzrlh5gCG+nwQEZwyayeDtQxQA==',
    });
  });

  it('are all locked by a hash, and none by an address', () => {
    const packages = Object.entries<{ integrity?: string }>(lock.packages);
    const unlocked = packages.filter(([path, { integrity }]) => path !== '' && !integrity);
    expect(unlocked).toEqual([]);
    expect(lockText).not.toMatch(/"resolved": "http/);
  });

  it('for development are pinned exactly', () => {
    const ranges = Object.entries<string>(manifest.devDependencies);
    expect(ranges.filter(([, range]) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([]);
  });

  it('bring no script of ours that runs at a user’s install', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'dependencies'];
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([]);
  });
});
