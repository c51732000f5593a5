// A name, as the handles of a client know it: what they believe that it stands for, and how they find out.

import { ConnectionLostError, UsageError } from '../base/errors';
import { type Connection } from '../session/connection';
import { BOUND, type Asked, type Name, type NameOptions, nameText } from '../session/naming';
import { type CallDetails } from '../session/outgoing';
import { lacksPort } from '../transport/address';
import { kindOf } from '../wire/plain';
import { formatNameToken } from '../wire/token';
import { packValue } from '../wire/values';
import { makeLateLike } from './sync-late';
import { type Absence } from '../session/absence';
import { type HandleOptions } from './options';
import { type Source, reachedBy } from './source';
import { type Binding, type Reached } from './use';

/** Makes what a name is to stand for: answers its proxy. */
export type Create = () => object | Promise<object>;

/** What a handle of a name is made of. */
export interface Naming {
  readonly key: Name;
  readonly create?: Create | undefined;
  readonly options?: NameOptions | undefined;
}

export function makeNamed(source: Source, naming: Naming, options?: HandleOptions): object {
  return makeLateLike({
    binding: new NameBinding(source, naming, options),
    options,
    again: (others, makeHandle = source.makeHandle) =>
      makeNamed({ ...source, makeHandle }, naming, others),
  });
}

/** How the desk of names is asked. */
export const DESK: CallDetails = { path: ['names'], purpose: 'container' };

class NameBinding implements Binding {
  readonly typeid = 'named';
  readonly #source: Source;
  readonly #naming: Naming;
  readonly #options: HandleOptions | undefined;
  /** What the name stood for when it was last asked. */
  #believed: string | undefined;
  #asking: Promise<string> | undefined;

  constructor(source: Source, naming: Naming, options: HandleOptions | undefined) {
    this.#source = source;
    this.#naming = naming;
    this.#options = options;
  }

  get absence(): Absence | undefined {
    return this.#options;
  }

  get address(): string {
    return this.#source.place().address;
  }

  reach(): Reached | Promise<Reached> {
    if (this.#believed !== undefined) return this.#hold(this.#believed);
    this.#asking ??= this.#ask();
    return this.#asking.then((typeid) => this.#hold(typeid));
  }

  reachNow(): Reached {
    return this.#hold((this.#believed ??= this.#askNow()));
  }

  readonly there = (signal: AbortSignal): Promise<unknown> =>
    this.#source
      .connection()
      .manage('there', [this.#naming.key], { ...DESK, timeoutMs: 0, signal });

  missed(): void {
    this.#believed = undefined;
  }

  /** It holds nothing. */
  release(): void {
    return undefined;
  }

  token(): string {
    const { manager, address } = this.#source.place();
    if (!lacksPort(address)) {
      return formatNameToken({ manager, address, key: packValue(this.#naming.key) });
    }
    throw new UsageError('Cannot make a token yet: await manager.start() first', {
      code: 'ERR_REFERENT_NOT_CONNECTED',
    });
  }

  describe(): string {
    return `<named object ${nameText(this.#naming.key)} at ${this.address}>`;
  }

  warn(warning: Error): void {
    this.#source.connection().onWarning?.(warning);
  }

  /** A proxy of what the name stands for when the message comes in: if that is of this type. */
  #hold(typeid: string): Reached {
    const connection = this.#source.connection();
    const lease = connection.lease(typeid);
    connection.session.create(lease, [this.#naming.key, typeid], 'argument', BOUND);
    const { makeHandle } = this.#source;
    return reachedBy(connection.session, lease, { makeHandle, options: this.#options });
  }

  /** All uses that begin meanwhile wait for the same answer. */
  async #ask(): Promise<string> {
    try {
      for (;;) {
        const connection = this.#source.connection();
        const asked = await this.#question(connection);
        const typeid = typeof asked === 'string' ? asked : await this.#make(asked.order);
        if (typeid !== undefined) return (this.#believed = typeid);
      }
    } finally {
      this.#asking = undefined;
    }
  }

  /** A question has no effect: where its connection breaks, it is asked once more. */
  async #question(connection: Connection): Promise<Asked> {
    const { timeoutMs, signal } = this.#options ?? {};
    const ask = (by: Connection): Promise<Asked> => {
      const { key, create } = this.#naming;
      const options = { ...DESK, timeoutMs, signal };
      return by.manage('ask', [key, create !== undefined], options) as Promise<Asked>;
    };
    try {
      return await ask(connection);
    } catch (error) {
      if (!(error instanceof ConnectionLostError) || !connection.session.wasOpen) throw error;
      return await ask(this.#source.connection());
    }
  }

  /** The same, with the thread blocked. */
  #askNow(): string {
    const { key, create, options } = this.#naming;
    const { timeoutMs, signal } = this.#options ?? {};
    const able = create !== undefined;
    for (;;) {
      const { blocking } = this.#source.connection();
      const asked = blocking.manage('ask', [key, able], { ...DESK, timeoutMs, signal }) as Asked;
      if (typeof asked === 'string') return asked;
      const { order } = asked;
      try {
        const object = requireObject(key, requireNow(key, create?.()));
        const typeid = blocking.manage('supply', [key, order, object, options], DESK);
        if (typeid !== undefined) return typeid as string;
      } catch (error) {
        this.#source.connection().manage('giveUp', [key, order], DESK).catch(toldByTheError);
        throw error;
      }
    }
  }

  /** Carries out the order to make it. Undefined: it was too late, and what was made is gone again. */
  async #make(order: number): Promise<string | undefined> {
    const { key, create, options } = this.#naming;
    const connection = this.#source.connection();
    try {
      const object = requireObject(key, await create?.());
      const args = [key, order, object, options];
      return (await connection.manage('supply', args, DESK)) as string | undefined;
    } catch (error) {
      connection.manage('giveUp', [key, order], DESK).catch(toldByTheError);
      throw error;
    }
  }
}

/** What a call must have answered when it returned. */
function requireNow(key: Name, value: unknown): unknown {
  if (!(value instanceof Promise)) return value;
  value.catch(toldByTheError);
  throw new UsageError(
    `The factory of ${nameText(key)} answers a promise, and a blocked thread cannot keep it: give one that answers at once`,
  );
}

/** Whether it is a proxy of that manager, only the manager knows. */
export function requireObject(key: Name, object: unknown): object {
  const isObject = (typeof object === 'object' && object !== null) || typeof object === 'function';
  if (isObject) return object;
  throw new UsageError(
    `The factory of ${nameText(key)} must answer a proxy, as manager.list() is one, and not ${kindOf(object)}; for a plain value use names.replace(key, value)`,
  );
}

/** Its connection is gone: then the order came back by itself. */
function toldByTheError(): undefined {
  return undefined;
}
