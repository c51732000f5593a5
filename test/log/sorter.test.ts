import { type LogRecord, recordOf } from '../../src/log/record';
import { type SortClock, Sorter, type Spoken } from '../../src/log/sorter';

/** Time that passes when the test says so. */
class FakeClock implements SortClock {
  #now = 1000;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }
  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  get timers(): number {
    return this.#timers.length;
  }
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(due.at, this.#now);
      due.callback();
    }
    this.#now = end;
  }
}

const given: string[] = [];
let clock: FakeClock;
let sorter: Sorter;
const one: Spoken = new Map();
const other: Spoken = new Map();

function record(message: string, time: number, process = 'p'): LogRecord {
  const origin = { host: 'h', process, thread: 'main', source: 's' };
  return { ...recordOf(origin, 'info', message), time };
}

beforeEach(() => {
  given.length = 0;
  one.clear();
  other.clear();
  clock = new FakeClock();
  sorter = new Sorter(200, ({ message }) => given.push(message), clock);
});

afterEach(() => {
  sorter.flush();
  expect(clock.timers).toBe(0);
});

it('gives records in the order of their time, whoever brought them first', () => {
  sorter.add(record('c', 3), one);
  sorter.add(record('a', 1), other);
  clock.pass(100);
  sorter.add(record('b', 2), other);
  expect(given).toEqual([]);
  clock.pass(100);
  expect(given).toEqual(['a', 'b', 'c']);
});

it('holds none longer than its moment, and none that is later than all that are due', () => {
  sorter.add(record('a', 1), one);
  clock.pass(150);
  sorter.add(record('z', 9), one);
  clock.pass(50);
  expect(given).toEqual(['a']);
  clock.pass(149);
  expect(given).toEqual(['a']);
  clock.pass(1);
  expect(given).toEqual(['a', 'z']);
});

it('gives at once what comes too late, with the next that are due', () => {
  sorter.add(record('b', 2), one);
  clock.pass(200);
  sorter.add(record('a', 1), other);
  clock.pass(200);
  expect(given).toEqual(['b', 'a']);
});

it('keeps the order of one speaker when its clock goes back', () => {
  sorter.add(record('first', 50), one);
  sorter.add(record('second', 10), one);
  sorter.add(record('between', 30), other);
  clock.pass(200);
  expect(given).toEqual(['between', 'first', 'second']);
});

it('knows several speakers of one sender apart', () => {
  sorter.add(record('late', 50, 'parent'), one);
  sorter.add(record('early', 10, 'child'), one);
  clock.pass(200);
  expect(given).toEqual(['early', 'late']);
});

it('keeps the order of arrival for the same time', () => {
  for (const name of ['a', 'b', 'c', 'd']) sorter.add(record(name, 7), one);
  clock.pass(200);
  expect(given).toEqual(['a', 'b', 'c', 'd']);
});

it('does not hold without end: the earliest of many go before their moment', () => {
  for (let i = 0; i <= 10_000; i++) sorter.add(record(String(i), i), one);
  expect(given).toHaveLength(1000);
  expect(given[999]).toBe('999');
  clock.pass(200);
  expect(given).toHaveLength(10_001);
  expect(given.map(Number)).toEqual(Array.from({ length: 10_001 }, (_, i) => i));
});

it('forgets speakers when there are too many, and still sorts', () => {
  for (let i = 0; i < 3000; i++) sorter.add(record(String(i), i, `p${i}`), one);
  expect(one.size).toBeLessThanOrEqual(1000);
  clock.pass(200);
  expect(given.map(Number)).toEqual(Array.from({ length: 3000 }, (_, i) => i));
});

it('holds nothing where sortMs is 0', () => {
  const hasty = new Sorter(0, ({ message }) => given.push(message), clock);
  hasty.add(record('b', 2), one);
  hasty.add(record('a', 1), other);
  expect(given).toEqual(['b', 'a']);
});

it('flush gives all that is held, once', () => {
  sorter.add(record('b', 2), one);
  sorter.add(record('a', 1), other);
  sorter.flush();
  expect(given).toEqual(['a', 'b']);
  clock.pass(1000);
  expect(given).toEqual(['a', 'b']);
});
