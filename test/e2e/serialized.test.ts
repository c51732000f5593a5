// Types whose calls run one after another.
import { join } from 'node:path';
import { Manager, type Remote, handle, release, withOptions } from '../../src/index';
import { type Deferred, deferred } from '../../src/base/deferred';
import { type Stage } from '../fixtures/classes';
import { SHORT_LIMITS, endManager, expectNothingHeld } from '../support/managers';
import { until } from '../support/until';

jest.setTimeout(30_000);

const file = join(__dirname, '../fixtures/classes.ts');

class StageManager extends Manager {
  static {
    this.register('Serialized', { module: file, export: 'Stage', serialized: true });
    this.register('Free', { module: file, export: 'Stage' });
  }
}

const manager = new StageManager({ limits: SHORT_LIMITS });
const made: object[] = [];

function mine<T extends object>(proxy: T): T {
  made.push(proxy);
  return proxy;
}

/** A body of `play` that tells when it runs, and ends when it is told. */
class Scene {
  readonly began: Deferred<undefined> = deferred();
  readonly end: Deferred<undefined> = deferred();
  hasBegun = false;
  readonly body = (): Promise<undefined> => {
    this.hasBegun = true;
    this.began.resolve(undefined);
    return this.end.promise;
  };
}

/** All that was sent till now has been handled in the manager, as far as it can be. */
async function handled(): Promise<void> {
  for (let round = 0; round < 3; round++) await manager.numberOfObjects();
}

beforeAll(() => manager.start());
afterEach(async () => {
  for (const proxy of made.splice(0)) release(proxy);
  await expectNothingHeld(manager);
});
afterAll(() => endManager(manager));

it('an async method is not entered while another one runs', async () => {
  const stage = mine(manager.create<Stage>('Serialized'));
  const [first, second, third] = [new Scene(), new Scene(), new Scene()];
  const answers = [first, second, third].map(({ body }) => stage.play(body));
  await first.began.promise;
  await handled();
  expect([second.hasBegun, third.hasBegun]).toEqual([false, false]);
  second.end.resolve(undefined);
  first.end.resolve(undefined);
  await third.began.promise;
  third.end.resolve(undefined);
  expect(await Promise.all(answers)).toEqual([1, 2, 3]);
});

it('by default it is', async () => {
  const stage = mine(manager.create<Stage>('Free'));
  const [first, second] = [new Scene(), new Scene()];
  const answers = [stage.play(first.body), stage.play(second.body)];
  await Promise.all([first.began.promise, second.began.promise]);
  first.end.resolve(undefined);
  second.end.resolve(undefined);
  expect(await Promise.all(answers)).toEqual([1, 2]);
});

it('sync methods and reads wait behind an async one; a look does not', async () => {
  const stage = mine(manager.create<Stage>('Serialized'));
  const scene = new Scene();
  const played = stage.play(scene.body);
  const order: string[] = [];
  const note = async (name: string, answer: unknown): Promise<unknown> => {
    const value = await answer;
    order.push(name);
    return value;
  };
  const answers = [note('play', played), note('enter', stage.enter()), note('read', stage.entered)];
  await scene.began.promise;
  await expect(handle(stage).has('enter')).resolves.toBe(true);
  expect(order).toEqual([]);
  scene.end.resolve(undefined);
  expect(await Promise.all(answers)).toEqual([1, 2, 2]);
  expect(order).toEqual(['play', 'enter', 'read']);
});

it('one that fails does not stop the next', async () => {
  const stage = mine(manager.create<Stage>('Serialized'));
  const scene = new Scene();
  const failed = (async () => await stage.fail())();
  const played = stage.play(scene.body);
  await expect(failed).rejects.toMatchObject({ message: 'failed on purpose' });
  await scene.began.promise;
  scene.end.resolve(undefined);
  expect(await played).toBe(1);
  expect(await stage.enter()).toBe(2);
});

it('one that was cancelled before its turn never runs', async () => {
  const stage = mine(manager.create<Stage>('Serialized'));
  const [first, second] = [new Scene(), new Scene()];
  const stop = new AbortController();
  const stoppable = mine(withOptions(stage, { signal: stop.signal }));
  const played = stage.play(first.body);
  const cancelled = (async () => await stoppable.play(second.body))();
  await first.began.promise;
  stop.abort(new Error('enough'));
  await expect(cancelled).rejects.toThrow('enough');
  await handled();
  first.end.resolve(undefined);
  expect(await played).toBe(1);
  expect(await stage.enter()).toBe(2);
  expect(second.hasBegun).toBe(false);
});

it('holds between processes too, and what a session leaves behind never runs', async () => {
  const stage = mine(manager.create<Stage>('Serialized'));
  const other = Manager.connect(manager.address);
  const theirs = other.list<Remote<Stage>>();
  await theirs.push(stage);
  const same = await theirs.get(0);
  const [first, second, third] = [new Scene(), new Scene(), new Scene()];
  const played = stage.play(first.body);
  await first.began.promise;
  const left = (async () => await same.play(second.body))();
  left.catch(() => undefined);
  await other.ping();
  const last = stage.play(third.body);
  await other.close();
  await expect(left).rejects.toMatchObject({ name: 'ConnectionLostError' });
  await until(async () => (await manager.inspect()).sessions.length === 1, 'the session to end');
  first.end.resolve(undefined);
  await third.began.promise;
  third.end.resolve(undefined);
  expect([await played, await last]).toEqual([1, 2]);
  expect(second.hasBegun).toBe(false);
});
