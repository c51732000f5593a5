// Errors as bytes. Of an error its class name, message, stack, cause, `errors` and own
// properties cross; its class is found again by name among the built-in, our own and the
// registered ones, and nothing else is ever made. Any other error arrives as RemoteError.

import { inspect, types } from 'node:util';
import * as referentErrors from '../base/errors';
import { type ByteReader, type ByteWriter } from './bytes';
import { isData } from './plain';
import { TAG } from './tags';
import { valueTypeOf } from './value-types';

const { ReferentError, RemoteError, UsageError } = referentErrors;
type ErrorClass = new (message?: string, options?: ErrorOptions) => Error;

const BUILT_IN: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>(
  [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((type) => [
    type.name,
    type,
  ]),
);
const OURS: ReadonlyMap<string, typeof ReferentError> = new Map(
  Object.values(referentErrors)
    .filter((member): member is typeof ReferentError => {
      return typeof member === 'function' && Object.hasOwn(member, 'prototype');
    })
    .filter((type) => type === ReferentError || type.prototype instanceof ReferentError)
    .map((type) => [type.name, type]),
);

const registered = new Map<string, abstract new (...args: never[]) => Error>();

/**
 * From now on, in this process, errors of that class arrive as instances of it. They are made without
 * its constructor, which may want arguments that nobody has. Throws `UsageError` where the name of the
 * class is taken.
 */
export function registerError(type: abstract new (...args: never[]) => Error): void {
  const prototype: unknown = typeof (type as unknown) === 'function' ? type.prototype : undefined;
  if (!(prototype instanceof Error) || type.name === '') {
    throw new UsageError('registerError needs a class with a name that extends Error');
  }
  const { name } = type;
  const isTaken = BUILT_IN.has(name) || OURS.has(name) || RESERVED.has(name);
  if (isTaken || (registered.get(name) ?? type) !== type) {
    throw new UsageError(
      `Cannot register ${name}: another class of errors has that name, and errors find their class by it`,
    );
  }
  registered.set(name, type);
}
const RESERVED = new Set(['AggregateError', 'DOMException', 'SuppressedError']);

/** Own properties that travel in fields of their own, or not at all. */
const NOT_OWN = new Set(['name', 'message', 'stack', 'cause', 'errors', 'remoteStack']);

export function isErrorValue(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof DOMException;
}

/** `encode` writes one value: a part of the error by its name. Without `stacks` no path of this machine leaves it. */
export function writeError(
  writer: ByteWriter,
  error: Error,
  encode: (part: unknown, name: string) => void,
  stacks = true,
): void {
  writer.text(classNameOf(error));
  writer.text(textOf(error.message));
  writer.text(ownNameOf(error));
  const stack = (error as { remoteStack?: unknown }).remoteStack ?? error.stack;
  writer.text(stacks ? textOf(stack) : '');
  const fields = ownFields(error);
  writer.varint(fields.length);
  for (const [name, field] of fields) {
    writer.text(name);
    encodeOrText(writer, field, () => {
      encode(field, name);
    });
  }
}

/** An error always arrives: a part that cannot cross does so as its text. */
function encodeOrText(writer: ByteWriter, part: unknown, encode: () => void): void {
  const start = writer.length;
  if (isData(part) || isRegistered(part)) {
    try {
      encode();
      return;
    } catch {
      writer.length = start; // the part holds something that cannot cross: its text does
    }
  }
  const text = inspect(part, { depth: 1 });
  writer.u8(TAG.text);
  writer.text(text);
}

function isRegistered(part: unknown): boolean {
  return typeof part === 'object' && part !== null && valueTypeOf(part) !== undefined;
}

function ownFields(error: Error): [string, unknown][] {
  const isStranger = strangers.has(error);
  const fields = Object.entries(error).filter(
    ([name, field]) => !NOT_OWN.has(name) && !(isStranger && isOfRemoteError(name, field)),
  );
  if (Object.hasOwn(error, 'cause')) fields.push(['cause', error.cause]);
  const { errors } = error as { errors?: unknown };
  if (Array.isArray(errors)) fields.push(['errors', errors]);
  return fields;
}

/** What a stranger has only because it is a `RemoteError` here. */
function isOfRemoteError(name: string, field: unknown): boolean {
  return name === 'remoteName' || (name === 'code' && field === REMOTE_CODE);
}

function classNameOf(error: Error): string {
  if (strangers.has(error)) return (error as { remoteName?: string }).remoteName ?? 'Error';
  if (error instanceof DOMException) return 'DOMException';
  const { constructor, name } = error as { constructor?: unknown; name?: unknown };
  if (typeof constructor === 'function' && constructor.name !== '') return constructor.name;
  return textOf(name) || 'Error';
}

/** The name that was given to this error, where it is not that of its class. */
function ownNameOf(error: Error): string {
  if (error instanceof DOMException) return error.name;
  const className = classNameOf(error);
  // No constructor sets the name of an error whose class is registered.
  const mustTell = registered.has(className) || error.name !== className;
  return Object.hasOwn(error, 'name') && mustTell ? textOf(error.name) : '';
}

function defineName(error: Error, name: string): void {
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** An error of which the parts are still to be read: they may name it. */
interface OpenError {
  readonly error: Error;
  readonly remoteStack: string;
}

export function beginError(reader: ByteReader): OpenError {
  const className = reader.text();
  const message = reader.text();
  const ownName = reader.text();
  const remoteStack = reader.text();
  const error = create(className, message, ownName);
  if (ownName !== '' && className !== 'DOMException') defineName(error, ownName);
  return { error, remoteStack };
}

/** `decode` reads one value. */
export function finishError(
  reader: ByteReader,
  { error, remoteStack }: OpenError,
  decode: () => unknown,
): void {
  const count = reader.count();
  for (let i = 0; i < count; i++) {
    const name = reader.text();
    const value = decode();
    if (name !== '__proto__' && name !== 'constructor') define(error, name, value);
  }
  if (remoteStack === '') return;
  define(error, 'remoteStack', remoteStack);
  // Of a cause only this stack is of use; the error that is thrown gets its caller's later.
  error.stack = remoteStack;
}

function create(className: string, message: string, domName: string): Error {
  if (className === 'DOMException') return new DOMException(message, domName);
  if (className === 'AggregateError') return new AggregateError([], message);
  const Known: ErrorClass | typeof ReferentError | undefined =
    BUILT_IN.get(className) ?? OURS.get(className);
  if (Known !== undefined) return new Known(message);
  const own = registered.get(className);
  return own === undefined ? unknownError(className, message) : instanceOf(own, message);
}

/** With all that the engine knows of errors, and not by the constructor of its class. */
function instanceOf(type: abstract new (...args: never[]) => Error, message: string): Error {
  return Object.setPrototypeOf(new Error(message), type.prototype as object) as Error;
}

const REMOTE_CODE = new RemoteError('').code;

/** Errors whose class is not known here, and may be known where they are sent on. */
const strangers = new WeakSet<Error>();

function unknownError(className: string, message: string): Error {
  const error = new RemoteError(message, { remoteName: className });
  strangers.add(error);
  return error;
}

function define(error: Error, name: string, value: unknown): void {
  const enumerable = name !== 'cause' && name !== 'errors' && name !== 'remoteStack';
  Object.defineProperty(error, name, { value, enumerable, writable: true, configurable: true });
}
