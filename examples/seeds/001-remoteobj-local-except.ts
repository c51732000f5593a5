// remoteobj, "LocalExcept" and "Local Exceptions": the same groups of errors in one process.
// There: with exc('init'): do_init() … exc.raise_any('work'); LocalExcept(raises=True)
import assert from 'node:assert/strict';
import { LocalExcept } from '../../src';

async function groups(): Promise<void> {
  const errors = new LocalExcept();
  const all = async (): Promise<void> => {
    try {
      await errors.run('init', () => console.log('init'));
      console.log('other stuff');
      await errors.run('work', () => {
        throw new RangeError('no work');
      });
    } finally {
      await errors.run('cleanup', () => console.log('cleanup'));
    }
  };
  await errors.run(undefined, all, { rethrow: false });
  assert.throws(() => errors.raiseAny('work'), { message: 'no work' });
  errors.raiseAny('cleanup'); // none: does nothing
  assert.throws(() => errors.raiseAny(), { message: 'no work' });
}

async function thrownOn(): Promise<void> {
  const errors = new LocalExcept(); // `run` throws on what it has caught, unless told otherwise
  try {
    await errors.run(undefined, () => {
      throw new RangeError('!!!');
    });
  } catch {
    const body = (): never => {
      throw new TypeError('hello');
    };
    await errors.run('hi', body, { rethrow: false });
  }
  assert.throws(() => errors.raiseAny('hi'), { message: 'hello' });
  assert.throws(() => errors.raiseAny(), { message: 'hello' });
  console.log(errors.all().map(String));
}

async function main(): Promise<void> {
  await groups();
  await thrownOn();
}

void main();
