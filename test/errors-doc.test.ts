// Every code that an error can have is explained in docs/errors.md, and no other.
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as errors from '../src/base/errors';

const root = resolve(__dirname, '..');
const headings = [...read('docs/errors.md').matchAll(/^### `(ERR_\w+)`$/gm)].map(
  ([, code]) => code!,
);

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function codesOfSource(): Set<string> {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const codes = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...read(join('src', file)).matchAll(/'(ERR_REFERENT\w*)'/g)]);
  return new Set(codes.map(([, code]) => code!));
}

describe('docs/errors.md', () => {
  it('has a heading for every code in src, each once', () => {
    expect([...headings].sort()).toEqual([...codesOfSource()].sort());
  });

  it('has a heading for the code of every error class, with the name of the class', () => {
    const text = read('docs/errors.md');
    const classes = Object.values(errors).filter(isErrorClass);
    expect(classes).toHaveLength(23);
    for (const Class of classes) {
      const { code } = new Class('');
      expect(text).toContain(`### \`${code}\`\nClass: \`${Class.name}\``);
    }
  });
});

function isErrorClass(member: unknown): member is typeof errors.ReferentError {
  if (typeof member !== 'function') return false;
  return member === errors.ReferentError || member.prototype instanceof errors.ReferentError;
}
