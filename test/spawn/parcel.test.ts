import { SerializationError } from '../../src/base/errors';
import { Except } from '../../src/spawn/except';
import { PackedArguments, unpack } from '../../src/spawn/parcel';

const own = new Except();
const pack = (args: readonly unknown[], kind: 'process' | 'thread' | 'inline' = 'process') =>
  new PackedArguments(args, [own], kind);

describe('PackedArguments', () => {
  test('copies plain data, whatever becomes of it', () => {
    const inner = { a: 1 };
    const args = [inner, [inner], new Map([[1, inner]]), new Set([inner])];
    const { args: copies } = pack(args).parcel;
    expect(copies).toEqual(args);
    inner.a = 2;
    expect(copies[0]).toEqual({ a: 1 });
    expect((copies[1] as unknown[])[0]).toBe(copies[0]);
  });

  test('leaves what is no data as it is', () => {
    const call = () => 1;
    const date = new Date();
    const bytes = new Uint8Array(2);
    const instance: object = new (class Own {
      readonly field = 1;
    })();
    expect(pack([call, date, bytes, instance]).parcel.args).toEqual([call, date, bytes, instance]);
    expect(pack([bytes]).parcel.args[0]).toBe(bytes);
  });

  test('puts an Except where it was, each once', () => {
    const [a, b] = [new Except(), new Except()];
    const packed = pack([a, { deep: [b, a] }, own]);
    expect(packed.errors.map((errors) => [own, a, b].indexOf(errors))).toEqual([0, 1, 2]);
    expect(packed.parcel.args).toEqual([undefined, { deep: [undefined, undefined] }, undefined]);
    const [mine, left, right] = [{ is: 'own' }, { is: 'a' }, { is: 'b' }];
    const args = unpack(packed.parcel, [mine, left, right], []);
    expect(args).toEqual([left, { deep: [right, left] }, mine]);
  });

  test('keeps shared memory for threads, with what looks at it', () => {
    const memory = new SharedArrayBuffer(16);
    const views = [new Int16Array(memory, 2, 3), new DataView(memory, 4, 8), memory];
    const packed = pack(views, 'thread');
    expect(packed.memories).toEqual([memory]);
    const args = unpack(packed.parcel, [], packed.memories);
    expect(args[0]).toMatchObject({ byteOffset: 2, length: 3, buffer: memory });
    expect(args[1]).toBeInstanceOf(DataView);
    expect(args[1]).toMatchObject({ byteOffset: 4, byteLength: 8 });
    expect(args[2]).toBe(memory);
    expect(pack([memory], 'inline').parcel.args[0]).toBe(memory);
    expect(() => pack([{ memory }])).toThrow(SerializationError);
  });

  test.each([new Map([[1, own]]), new Set([own])])('refuses an Except in %p', (container) => {
    expect(() => pack([container])).toThrow('cannot be given inside of a Map or Set');
  });
});
