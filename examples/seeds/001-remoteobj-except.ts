// remoteobj, "Except" and "Sending Process Exceptions": errors of a task, in groups, raised by who joins.
// There: with exc('work'): do_work() in the process; p.join(); exc.raise_any('work')
import { Except, spawn, type LocalExcept } from '../../src';

export async function remoteFunc(errors: LocalExcept): Promise<void> {
  const all = async (): Promise<void> => {
    try {
      await errors.run('init', () => console.log('init'));
      await errors.run('work', () => {
        throw new RangeError('no work');
      });
    } finally {
      await errors.run('cleanup', () => console.log('cleanup'));
    }
  };
  await errors.run(undefined, all, { rethrow: false });
}

export async function remoteProcess(errors: LocalExcept): Promise<void> {
  const swallow = { rethrow: false };
  await errors.run(
    undefined,
    () => {
      throw new RangeError('!!!');
    },
    swallow,
  );
  await errors.run(
    'hi', // a group of that name
    () => {
      throw new TypeError('hi');
    },
    swallow,
  );
}

function raised(raise: () => void): string {
  try {
    raise();
    return 'nothing';
  } catch (error) {
    return String(error);
  }
}

async function main(): Promise<void> {
  const errors = new Except();
  await spawn({ module: __filename, export: 'remoteFunc' }, [errors]).join();
  console.log(raised(() => errors.raiseAny('work')));
  console.log(raised(() => errors.raiseAny('cleanup'))); // none: does nothing
  console.log(raised(() => errors.raiseAny())); // the last that was caught

  const caught = new Except(RangeError, TypeError); // more specific
  await spawn({ module: __filename, export: 'remoteProcess' }, [caught]).join();
  console.log(raised(() => caught.raiseAny('hi')));
  console.log(raised(() => caught.raiseAny())); // of any group
  console.log(raised(() => caught.raiseAny(null))); // of the default group
}

if (require.main === module) void main();
