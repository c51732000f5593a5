// Every frame as bytes, both ways, and bytes that are no frame.
import * as fc from 'fast-check';
import { ProtocolError } from '../../src/base/errors';
import { ByteWriter } from '../../src/wire/bytes';
import {
  type CallHead,
  type ControlFrame,
  OPERATIONS,
  describeFrame,
  patchCallFlags,
  readFrame,
  writeCallHead,
  writeCancelHead,
  writeControl,
  writeCreateHead,
  writeOutcomeHead,
} from '../../src/wire/frames';
import { type Reference, writeReferences } from '../../src/wire/references';

const MAX = Number.MAX_SAFE_INTEGER;
const references: Reference[] = [
  { kind: 'own', id: 5, relative: false },
  { kind: 'own', id: MAX, relative: true },
  { kind: 'lent', id: 7, typeid: 'list', callable: false },
  { kind: 'lent', id: 7, typeid: '', callable: true },
  { kind: 'token', text: 'smref1.abc' },
  { kind: 'path', target: { kind: 'answer', callId: 3 }, path: ['a', ''] },
  { kind: 'path', target: { kind: 'object', id: 3, relative: true }, path: [] },
];
const written = (write: (writer: ByteWriter) => void): Buffer => {
  const writer = new ByteWriter(1);
  write(writer);
  return Buffer.from(writer.bytes);
};

const controls: [ControlFrame, string][] = [
  [{ kind: 'forget', callIds: [1, 300] }, '070201ac02'],
  [{ kind: 'release', counts: [[1, 2], [3, 4]] }, '080201020304'], // prettier-ignore
  [{ kind: 'mint', number: 1, id: 2, uses: 0, ttlMs: 300 }, '09010200ac02'],
  [{ kind: 'ping', number: 9 }, '0a09'],
  [{ kind: 'pong', number: 9, time: 1 }, '0b09000000000000f03f'],
  [{ kind: 'goaway', reason: 'x' }, '0c0278'],
  [{ kind: 'bye' }, '0d'],
  [{ kind: 'speak', serializer: 'x' }, '120278'],
  [{ kind: 'dup', id: 6, relative: false }, '0e0c'],
  [{ kind: 'dup', id: 6, relative: true }, '0e0d'],
  [{ kind: 'got', callId: 5, received: true }, '100501'],
  [{ kind: 'at', number: 300 }, '11ac02'],
];

describe('a frame', () => {
  it.each(controls)('%j is its bytes, both ways', (frame, hex) => {
    expect(written((writer) => writeControl(writer, frame)).toString('hex')).toBe(hex);
    expect(readFrame(Buffer.from(hex, 'hex'))).toEqual(frame);
    expect(describeFrame(frame)).toContain(frame.kind);
  });

  it('that is a call comes back, whatever its head says', () => {
    const target = fc.oneof(
      fc.record({
        kind: fc.constant('object' as const),
        id: fc.maxSafeNat(),
        relative: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('answer' as const), callId: fc.maxSafeNat() }),
    );
    const head: fc.Arbitrary<CallHead> = fc.record({
      callId: fc.maxSafeNat(),
      target,
      operation: fc.constantFrom(...OPERATIONS),
      path: fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }),
      name: fc.string({ unit: 'binary' }),
      returns: fc.constantFrom('auto', 'copy', 'proxy'),
      reply: fc.boolean(),
      keep: fc.boolean(),
      serializer: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    });
    fc.assert(
      fc.property(head, fc.boolean(), fc.boolean(), (given, reply, keep) => {
        const bytes = written((writer) => {
          const at = writeCallHead(writer, given);
          writeReferences(writer, references);
          patchCallFlags(writer, at, { reply, keep });
        });
        const frame = readFrame(bytes);
        expect(frame).toMatchObject({ kind: 'call', head: { ...given, reply, keep }, references });
        expect(describeFrame(frame)).toContain(given.operation);
      }),
    );
  });

  it('that carries a value leaves it in its body', () => {
    for (const kind of ['return', 'throw', 'failed'] as const) {
      const bytes = written((writer) => {
        writeOutcomeHead(writer, kind, MAX);
        writeReferences(writer, references);
        writer.u8(42);
      });
      const frame = readFrame(bytes) as Extract<ReturnType<typeof readFrame>, { kind: 'return' }>;
      expect([frame.kind, frame.references, frame.body.u8()]).toEqual([kind, references, 42]);
      expect(describeFrame(frame)).toBe(`${kind} ${MAX}`);
    }
    const create = readFrame(
      written((writer) => {
        writeCreateHead(writer, 8, 'list');
        writeReferences(writer, []);
      }),
    );
    expect(create).toMatchObject({ kind: 'create', id: 8, typeid: 'list', references: [] });
  });

  it('that is a cancellation leaves its reason in its body', () => {
    const bytes = written((writer) => {
      writeCancelHead(writer, 5);
      writer.u8(42);
    });
    const frame = readFrame(bytes) as Extract<ReturnType<typeof readFrame>, { kind: 'cancel' }>;
    expect([frame.kind, frame.callId, frame.body.u8()]).toEqual(['cancel', 5, 42]);
    expect(describeFrame(frame)).toBe('cancel 5');
  });

  it('that is cut anywhere is a ProtocolError', () => {
    const whole = written((writer) => {
      writeCallHead(writer, { callId: 300, target: { kind: 'answer', callId: 1 }, operation: 'get', path: ['p'], name: 'n', returns: 'auto', reply: true, keep: false }); // prettier-ignore
      writeReferences(writer, references);
    });
    for (let end = 0; end < whole.length; end++)
      expect(() => readFrame(whole, 0, end)).toThrow(ProtocolError);
    for (const [, hex] of controls) {
      const bytes = Buffer.from(hex, 'hex');
      for (let end = 0; end < bytes.length; end++)
        expect(() => readFrame(bytes, 0, end)).toThrow(ProtocolError);
    }
  });

  it('at random is a frame or a ProtocolError', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.integer({ min: 0, max: 19 }),
        (bytes, kind) => {
          try {
            describeFrame(readFrame(Buffer.from([kind, ...bytes])));
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
          }
        },
      ),
      { numRuns: 5000 },
    );
  });
});
