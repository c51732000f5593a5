import { type StreamSource, TaskStream } from '../../src/spawn/task-stream';

/** Gives 1, 2, …, and counts what it was asked for. */
class Source implements StreamSource<number> {
  asked = 0;
  closed = 0;
  readonly #end: number;
  readonly #error: Error | undefined;

  constructor(end: number, error?: Error) {
    this.#end = end;
    this.#error = error;
  }
  next(): Promise<IteratorResult<number, undefined>> {
    this.asked++;
    if (this.asked <= this.#end) return Promise.resolve({ done: false, value: this.asked });
    if (this.#error !== undefined) return Promise.reject(this.#error);
    return Promise.resolve({ done: true, value: undefined });
  }
  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

const streamOf = (source: Source) => new TaskStream(Promise.resolve<StreamSource<number>>(source));
const over = { done: true, value: undefined };

async function valuesOf(stream: AsyncIterable<number>): Promise<number[]> {
  const values: number[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

describe('TaskStream', () => {
  test('asks when it is asked', async () => {
    const source = new Source(3);
    const stream = streamOf(source);
    expect(source.asked).toBe(0);
    await stream.next();
    expect(source.asked).toBe(1);
    expect(await valuesOf(stream)).toEqual([2, 3]);
    expect(await stream.next()).toEqual(over);
    expect(source.asked).toBe(4);
  });

  test('keeps the order of calls that do not wait for each other', async () => {
    const stream = streamOf(new Source(2));
    const [first, second, third] = await Promise.all([stream.next(), stream.next(), stream.next()]);
    expect([first.value, second.value, third]).toEqual([1, 2, over]);
  });

  test('drains, and gives what it kept', async () => {
    const source = new Source(3);
    const stream = streamOf(source);
    await stream.next();
    await Promise.all([stream.drain(), stream.drain()]);
    expect(source.asked).toBe(4);
    expect(await valuesOf(stream)).toEqual([2, 3]);
  });

  test('throws an error once, behind the values', async () => {
    const error = new RangeError('no more');
    const stream = streamOf(new Source(1, error));
    await stream.drain();
    expect((await stream.next()).value).toBe(1);
    await expect(stream.next()).rejects.toBe(error);
    expect(await stream.next()).toEqual(over);
  });

  test('closes its source once, and forgets what it kept', async () => {
    const source = new Source(3);
    const stream = streamOf(source);
    await stream.next();
    expect(await stream.return()).toEqual(over);
    await stream.return();
    await stream.drain();
    expect(await stream.next()).toEqual(over);
    expect([source.asked, source.closed]).toEqual([1, 1]);
  });

  test('does not close a source that has ended', async () => {
    const source = new Source(1);
    const stream = streamOf(source);
    await stream.drain();
    await stream.return();
    expect(source.closed).toBe(0);
    expect(await stream.next()).toEqual(over);
  });

  test('throws why there is no source', async () => {
    const stream = new TaskStream(Promise.reject<StreamSource<number>>(new Error('none')));
    await stream.drain();
    await expect(stream.next()).rejects.toThrow('none');
    expect(await stream.next()).toEqual(over);
  });
});
