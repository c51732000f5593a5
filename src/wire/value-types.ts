// Classes of users whose instances are copied: each registered under a name, in every process that
// sends, holds or receives them. Only instances of the very class are, those of a class that extends
// it are not: they may hold more than their parent knows of.

import { SerializationError, UsageError, messageOf } from '../base/errors';

export interface ValueTypeCodec<T> {
  /** What the class is called between processes. */
  readonly name: string;
  /** What the instance is made of: any value that can be sent. */
  readonly toPlain: (value: T) => unknown;
  readonly fromPlain: (plain: never) => T;
}

interface ValueType {
  readonly type: abstract new (...args: never[]) => unknown;
  readonly codec: ValueTypeCodec<object>;
}

const byName = new Map<string, ValueType>();
const byPrototype = new Map<object, ValueType>();

/**
 * From now on, in this process, instances of exactly that class are copied wherever they stand in a
 * value, as what `toPlain` gives. Throws `UsageError` where another class has the name.
 */
export function registerValueType<T>(
  type: abstract new (...args: never[]) => T,
  codec: ValueTypeCodec<T>,
): void {
  requireValueClass(type);
  requireCodec(type.name, codec as ValueTypeCodec<unknown>);
  const { name } = codec;
  const known = byName.get(name);
  if (known !== undefined && known.type !== type) {
    throw new UsageError(`Cannot register ${type.name} as "${name}": another class has that name`);
  }
  const before = byPrototype.get(type.prototype as object);
  if (before !== undefined && before.codec.name !== name) {
    throw new UsageError(
      `Cannot register ${type.name} as "${name}": it is registered as "${before.codec.name}"`,
    );
  }
  const entry: ValueType = { type, codec: codec as unknown as ValueTypeCodec<object> };
  byName.set(name, entry);
  byPrototype.set(type.prototype as object, entry);
}

/** The name under which instances like `value` are copied; undefined where they are not. */
export function valueTypeOf(value: object): string | undefined {
  if (byPrototype.size === 0) return undefined;
  return byPrototype.get(Object.getPrototypeOf(value) as object)?.codec.name;
}

/** What an instance of a registered class is made of. */
export function plainOf(name: string, value: object, path: string): unknown {
  try {
    return byName.get(name)?.codec.toPlain(value);
  } catch (cause) {
    const text = `Cannot send ${path}: toPlain of "${name}" failed: ${messageOf(cause)}`;
    throw new SerializationError(text, { cause });
  }
}

/** The instance again. Throws `SerializationError` where its class is not known here. */
export function instanceOf(name: string, plain: unknown): unknown {
  const type = byName.get(name);
  if (type === undefined) {
    throw new SerializationError(
      `Cannot read an instance of "${name}": no value type of that name is registered in this process; call registerValueType() here, for a manager in a module of option "types"`,
    );
  }
  try {
    return type.codec.fromPlain(plain as never);
  } catch (cause) {
    const text = `Cannot read an instance of "${name}": fromPlain failed: ${messageOf(cause)}`;
    throw new SerializationError(text, { cause });
  }
}

function requireValueClass(type: unknown): void {
  const prototype: unknown = typeof type === 'function' ? type.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null || prototype === Object.prototype) {
    throw new UsageError('registerValueType needs a class');
  }
  if (prototype === Error.prototype || prototype instanceof Error) {
    throw new UsageError('An error is no value type: use registerError(Class)');
  }
}

function requireCodec(className: string, codec: Partial<ValueTypeCodec<unknown>>): void {
  const { name, toPlain, fromPlain } = codec;
  const isWhole = typeof toPlain === 'function' && typeof fromPlain === 'function';
  if (isWhole && typeof name === 'string' && name !== '') return;
  throw new UsageError(
    `registerValueType(${className}, …) needs { name, toPlain, fromPlain }: a text and two functions`,
  );
}
