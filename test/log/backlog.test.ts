import { Backlog } from '../../src/log/backlog';
import { FrameReader } from '../../src/transport/frame-reader';

const ENTRY = 110; // ten bytes, and what an entry takes besides
const report = (lost: number, time: number) => Buffer.from(`lost ${lost} at ${time}`);

function framesOf(bytes: Buffer | undefined): string[] {
  const found: string[] = [];
  const reader = new FrameReader((buffer, start, end) => {
    found.push(buffer.toString('utf8', start, end));
  }, 1000);
  if (bytes !== undefined) reader.push(bytes);
  return found;
}

const tenBytes = (n: number) => Buffer.from(String(n).padStart(10));
const numbers = (frames: readonly string[]) => frames.map((frame) => frame.trim());

it('gives what it was given, in order, a piece at a time', () => {
  const backlog = new Backlog(10_000, report);
  for (let i = 0; i < 5; i++) backlog.push(i, tenBytes(i));
  expect(numbers(framesOf(backlog.take(25)))).toEqual(['0', '1', '2']);
  expect(backlog.bytes).toBe(2 * ENTRY);
  expect(numbers(framesOf(backlog.take(Infinity)))).toEqual(['3', '4']);
  expect(backlog.isEmpty).toBe(true);
  expect(backlog.take(10)).toBeUndefined();
  expect(backlog.bytes).toBe(0);
});

it('gives up the oldest when it is full, and tells how many in their place', () => {
  const backlog = new Backlog(3 * ENTRY, report);
  for (let i = 0; i < 10; i++) backlog.push(i, tenBytes(i));
  expect(numbers(framesOf(backlog.take(Infinity)))).toEqual(['lost 7 at 6', '7', '8', '9']);
  backlog.push(11, tenBytes(11));
  expect(numbers(framesOf(backlog.take(Infinity)))).toEqual(['11']);
});

it('tells of a loss even where nothing else is left', () => {
  const backlog = new Backlog(50, report);
  backlog.push(1, tenBytes(1));
  expect(backlog.isEmpty).toBe(false);
  expect(framesOf(backlog.take(Infinity))).toEqual(['lost 1 at 1']);
  expect(backlog.isEmpty).toBe(true);
});

it('takes bounded memory however much goes through it', () => {
  const backlog = new Backlog(100 * ENTRY, report);
  for (let i = 0; i < 100_000; i++) backlog.push(i, tenBytes(i));
  expect(backlog.bytes).toBeLessThanOrEqual(100 * ENTRY);
  const frames = framesOf(backlog.take(Infinity));
  expect(frames).toHaveLength(101);
  expect(frames[0]).toBe('lost 99900 at 99899');
});
