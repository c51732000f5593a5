// The types of remote objects: what `Remote<T>` says of a class T that lives elsewhere.

import { type BaseProxy } from './base-proxy';
import { type IteratorProxy } from './iterator-proxy';

declare const remoteOf: unique symbol; // never there at run time: carries T
type Method = (...args: never[]) => unknown;
type Primitive = string | number | bigint | boolean | symbol | null | undefined;

/** Built-ins that are copied although they have methods. */
export type Copied =
  | Primitive
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | readonly unknown[];

export type HasMethod<T> = { [K in keyof T]-?: T[K] extends Method ? K : never }[keyof T] extends never
  ? false
  : true;

/** What is known of an object of which no type was given. */
export interface Loose {
  (...args: unknown[]): unknown;
  readonly [name: string]: Loose;
}

/** What an awaited result is on this side: data is itself, whatever has methods is a handle. */
export type Landed<T> = T extends BaseProxy | Copied
  ? T
  : T extends Method
    ? Remote<T>
    : T extends Iterator<infer U> | AsyncIterator<infer U>
      ? IteratorProxy<U>
      : T extends object
        ? HasMethod<T> extends true
          ? Remote<T>
          : T
        : T;

type Call<T> = T extends (...args: infer A) => infer R
  ? (...args: A) => RemoteResult<Awaited<R>>
  : unknown;
type Construct<T> = T extends abstract new (...args: infer A) => infer I
  ? new (...args: A) => Remote<I>
  : unknown;
type Iterate<T> =
  T extends AsyncIterable<infer U>
    ? AsyncIterable<U>
    : T extends string
      ? unknown
      : T extends Iterable<infer U>
        ? AsyncIterable<U>
        : unknown;

/** Members as paths; `readonly`, because writing is `handle(remote).set()` or `oneway(remote).x = 1`. */
type Members<T> = T extends object
  ? {
      readonly [K in keyof T as K extends string | number ? K : never]-?: T[K] extends Method
        ? Call<T[K]> & RemoteResult<T[K]>
        : RemoteResult<T[K]>;
    }
  : unknown;

/** A custom object seen from afar: methods answer promises, members are lazy and awaitable. */
export type Remote<T> = 0 extends 1 & T
  ? // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a remote `any` is any, as a local one is
    any
  : Disposable & Call<T> & Construct<T> & Iterate<T> & Members<T> & { readonly [remoteOf]?: T };

/** The T of a `Remote<T>`. */
export type RemoteOf<P> = P extends { readonly [remoteOf]?: infer T } ? T : never;

export type RemoteResult<T> = Promise<Landed<T>> &
  ([NonNullable<T>] extends [Primitive] ? unknown : Remote<NonNullable<T>>);
