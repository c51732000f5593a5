// The objects of a host, as one session may reach them.

import {
  LimitError,
  ObjectGoneError,
  ProtocolError,
  RemoteError,
  SerializationError,
} from '../base/errors';
import { RANGE_SIZE, type ObjectTable, Row } from '../refs/objects';
import { SessionReferences } from '../refs/session-references';
import { type TicketTable } from '../refs/tickets';
import { isIterator } from '../session/client-party';
import { type Exposure, openExposure } from '../session/exposure';
import { BOUND, requireName, retargeted } from '../session/naming';
import {
  type Creation,
  type Lent,
  type Party,
  type Purpose,
  type Subject,
} from '../session/parties';
import { exposureOfSuper } from '../session/super';
import { isData, kindOf } from '../wire/plain';
import { type NameService } from './name-service';
import { type Registry, type TypeDefinition } from './registry';

export interface HostParts {
  readonly objects: ObjectTable<Exposure>;
  readonly tickets: TicketTable;
  readonly registry: Registry;
  /** Whether results that are instances of classes go by proxy, registered or not. */
  readonly lendsInstances: boolean;
  /** Throws where a module may not be loaded for just anybody. */
  readonly requireModule: (url: string) => void;
  /** Something that a claim may wait for has come. */
  readonly arrived: () => void;
  /** A referent whose type has resources: disposed at the end. */
  readonly made: (referent: object) => void;
  readonly names: NameService;
}

const NO_SUBJECT = {
  referent: undefined,
  exposure: openExposure('object'),
  ready: undefined,
  owned: false,
};

/** A creation beyond the limit: why, and how often the client counts it. */
interface Refusal {
  readonly error: LimitError;
  count: number;
}

/** What a client took hold of by a name, under a number of its own. */
interface Bound {
  readonly row: Row<Exposure>;
  count: number;
}

/** A client that goes on creating beyond its limit after so many refusals is cut off. */
const REFUSED_MAX = 1000;

const FUNCTION = { typeid: 'function', exposure: openExposure('function'), owned: false };
const OBJECT = { typeid: 'object', exposure: openExposure('object'), owned: false };
/** Of a module: what it answers goes by proxy as well. */
const INSTANCE = { ...OBJECT, exposure: { ...openExposure('object'), lendsInstances: true } };
const ITERATOR = { typeid: 'iterator', exposure: openExposure('iterator'), owned: true };

export class HostParty implements Party {
  readonly references: SessionReferences<Exposure>;
  readonly #host: HostParts;
  /** The ranges in which the session numbers what it creates. */
  readonly #ranges: number[];
  readonly #control: Subject;
  readonly #tellFailure: (id: number, error: unknown) => void;
  readonly #toldFailures = new Set<number>();
  /** Creations beyond `limits.references`: why, until they are released. */
  readonly #refused = new Map<number, Refusal>();
  /** By the client's number, what it took hold of by name. */
  readonly #bound = new Map<number, Bound>();

  constructor(
    host: HostParts,
    session: {
      readonly range: number;
      readonly references: number;
      readonly control: object;
      readonly controlExposure: Exposure;
      readonly tellFailure: (id: number, error: unknown) => void;
    },
  ) {
    this.#host = host;
    this.#ranges = [session.range];
    this.references = new SessionReferences(host.objects, session.references);
    this.#control = {
      referent: session.control,
      exposure: session.controlExposure,
      ready: undefined,
      failure: undefined,
      owned: false,
    };
    this.#tellFailure = session.tellFailure;
  }

  addRange(range: number): void {
    this.#ranges.push(range);
  }

  subject(id: number, relative: boolean): Subject {
    if (id === 0) return this.#control;
    const absolute = this.#absolute(id, relative);
    const refused = this.#refused.get(absolute);
    if (refused !== undefined) {
      return { ...NO_SUBJECT, failure: refused.error };
    }
    const row = this.#rowOf(absolute);
    if (row === undefined) {
      throw new ObjectGoneError(
        `Object ${String(absolute)} is not held by this session: it was released`,
      );
    }
    if (row.failure !== undefined) this.#toldFailures.add(absolute);
    const { referent, exposure, ready, failure, owned } = row;
    return { referent, exposure, ready, failure, owned };
  }

  /** Undefined for what the session does not hold. */
  #rowOf(id: number): Row<Exposure> | undefined {
    const bound = this.#bound.get(id);
    if (bound !== undefined) return bound.row;
    return this.references.has(id) ? this.#host.objects.get(id) : undefined;
  }

  #absolute(id: number, relative: boolean): number {
    return relative ? (this.#ranges[0] ?? 0) * RANGE_SIZE + id : id;
  }

  lend(value: object, path: string, purpose: Purpose, typeid?: string): Lent {
    if (purpose === 'container') {
      throw new SerializationError(`Cannot copy ${path}: ${kindOf(value)} is no plain data`);
    }
    if (value instanceof Promise) {
      throw new SerializationError(
        `Cannot send ${path}: it is a promise inside of a value; await it first`,
      );
    }
    const row = this.#rowFor(value, path, { typeid, purpose });
    this.references.add(row);
    return { id: row.id, typeid: row.typeid, callable: typeof row.referent === 'function' };
  }

  #rowFor(
    value: object,
    path: string,
    { typeid, purpose }: { readonly typeid: string | undefined; readonly purpose: Purpose },
  ): Row<Exposure> {
    const { objects, registry, lendsInstances } = this.#host;
    if (typeid !== undefined && typeid !== '') return this.#shareAs(value, registry.get(typeid));
    const known = objects.rowOf(value);
    if (known !== undefined) return objects.get(known.id) === known ? known : objects.add(known);
    const kind = registry.definitionOf(value) ?? kindFor(value, purpose);
    if (kind === OBJECT && !lendsInstances && !isData(value)) {
      throw new SerializationError(
        `Cannot send ${path}: ${kindOf(value)} is of no registered type, and over a network only those are shared; register a type without a module and name it in methodToTypeid, or answer plain data`,
      );
    }
    return objects.add(new Row(objects.nextId(), value, kind));
  }

  /** A result that a registration wants shared under a type of its own. */
  #shareAs(value: object, definition: TypeDefinition): Row<Exposure> {
    const { objects } = this.#host;
    const known = objects.rowOf(value);
    if (known?.typeid === definition.typeid && objects.get(known.id) === known) return known;
    const referent = definition.make === undefined ? value : (definition.make([value]) as object);
    return objects.add(new Row(objects.nextId(), referent, definition));
  }

  released(id: number, count: number): void {
    const refused = this.#refused.get(id);
    if (refused !== undefined) {
      refused.count -= count;
      if (refused.count <= 0) this.#refused.delete(id);
      return;
    }
    const bound = this.#bound.get(id);
    if (bound === undefined) this.references.release(id, count);
    else this.#unbind(id, bound, count);
  }

  duplicate(number: number, relative: boolean): void {
    const id = this.#absolute(number, relative);
    const refused = this.#refused.get(id);
    if (refused !== undefined) {
      refused.count++;
      return;
    }
    const row = this.#rowOf(id);
    if (row === undefined)
      throw new ProtocolError(`Cannot hold object ${String(id)} twice: it is not held once`);
    this.references.add(row);
    const bound = this.#bound.get(id);
    if (bound !== undefined) bound.count++;
  }

  /** A client takes hold of what a name stands for, under a number of its own. */
  #bind(id: number, [key, typeid]: readonly unknown[]): void {
    try {
      const name = requireName(key);
      const row = this.#host.names.bind(name, String(typeid));
      if (row === undefined) throw retargeted(name, id);
      this.references.add(row);
      this.#bound.set(id, { row, count: 1 });
    } catch (error) {
      this.#addRow(id, undefined, { ...OBJECT, typeid: BOUND }).failure = error;
    }
  }

  #unbind(id: number, bound: Bound, count: number): void {
    if (count > bound.count)
      throw new ProtocolError(`Cannot release ${String(count)} of object ${String(id)}`);
    bound.count -= count;
    if (bound.count === 0) this.#bound.delete(id);
    this.references.release(bound.row.id, count);
  }

  create(creation: Creation, args: () => unknown[], needs: readonly Promise<unknown>[]): void {
    const id = this.#absolute(creation.id, creation.relative);
    if (!this.#ranges.includes(Math.floor(id / RANGE_SIZE)) || creation.id === 0) {
      throw new ProtocolError(
        `Cannot create object ${String(id)}: it is outside of the session's range`,
      );
    }
    try {
      this.references.requireRoom(id);
    } catch (error) {
      if (!(error instanceof LimitError) || this.#refused.size >= REFUSED_MAX) throw error;
      this.#refused.set(id, { error, count: 1 });
      return;
    }
    if (creation.typeid === BOUND) {
      this.#bind(id, args());
      return;
    }
    let definition: TypeDefinition;
    try {
      definition = this.#host.registry.get(creation.typeid);
    } catch (error) {
      const row = this.#addRow(id, undefined, { ...OBJECT, typeid: creation.typeid });
      this.#failed(row, error);
      return;
    }
    if (needs.length > 0 || definition.load !== undefined) {
      const row = this.#addRow(id, undefined, definition);
      row.ready = this.#makeLater(row, definition, args, needs);
      return;
    }
    this.#makeNow(id, definition, args);
  }

  #makeNow(id: number, definition: TypeDefinition, args: () => unknown[]): void {
    let referent: unknown;
    try {
      referent = this.#make(definition, args);
    } catch (error) {
      this.#failed(this.#addRow(id, undefined, definition), error);
      return;
    }
    if (referent instanceof Promise) {
      const row = this.#addRow(id, undefined, definition);
      row.ready = this.#fill(row, referent, definition);
      return;
    }
    const row = this.#addRow(id, requireReferent(referent, definition), definition);
    if (definition.registered) this.#host.made(row.strong ?? row);
    this.#host.arrived();
  }

  #make(definition: TypeDefinition, args: () => unknown[]): unknown {
    if (definition.make === undefined) {
      throw new RemoteError(
        `Type '${definition.typeid}' is for results: it was registered without a module`,
      );
    }
    return definition.make(args());
  }

  async #makeLater(
    row: Row<Exposure>,
    definition: TypeDefinition,
    args: () => unknown[],
    needs: readonly Promise<unknown>[],
  ): Promise<void> {
    const make = async (): Promise<unknown> => {
      await Promise.all(needs);
      await definition.load?.();
      return await this.#make(this.#host.registry.get(definition.typeid), args);
    };
    await this.#fill(row, make(), definition);
  }

  async #fill(
    row: Row<Exposure>,
    made: Promise<unknown>,
    definition: TypeDefinition,
  ): Promise<void> {
    try {
      const referent = requireReferent(await made, definition);
      this.#host.objects.fill(row, referent);
      if (definition.registered) this.#host.made(referent);
    } catch (error) {
      this.#failed(row, error);
    } finally {
      row.ready = undefined;
      this.#host.objects.remove(row); // where it was released meanwhile and has failed
    }
    this.#host.arrived();
  }

  #addRow(
    id: number,
    referent: object | undefined,
    kind: { readonly typeid: string; readonly exposure: Exposure; readonly owned: boolean },
  ): Row<Exposure> {
    const row = this.#host.objects.add(new Row(id, referent, kind));
    this.references.add(row);
    return row;
  }

  /** Every call on the object gets the error; where none comes, the creator is told. */
  #failed(row: Row<Exposure>, cause: unknown): void {
    const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    row.failure =
      cause instanceof RemoteError
        ? cause
        : new RemoteError(`Cannot create '${row.typeid}': ${what}`, {
            cause,
            remoteName: cause instanceof Error ? cause.constructor.name : typeof cause,
          });
    setImmediate(() => {
      setImmediate(() => {
        if (!this.#toldFailures.delete(row.id)) this.#tellFailure(row.id, row.failure);
      });
    });
  }

  mint(mint: {
    readonly number: number;
    readonly id: number;
    readonly uses: number;
    readonly ttlMs: number;
  }): void {
    const row = this.#rowOf(mint.id);
    if (row === undefined)
      throw new ProtocolError(`Cannot mint for object ${String(mint.id)}: it is not held`);
    const callable = typeof row.referent === 'function';
    this.#host.tickets.mint(
      { ...mint, typeid: row.typeid, callable, minter: this.#ranges[0] ?? 0 },
      row,
    );
    this.#host.arrived();
  }
}

function kindFor(
  value: object,
  purpose: Purpose,
): {
  readonly typeid: string;
  readonly exposure: Exposure;
  readonly owned: boolean;
} {
  if (typeof value === 'function') return FUNCTION;
  const exposure = exposureOfSuper(value);
  if (exposure !== undefined) return { ...OBJECT, exposure };
  if (isIterator(value)) return ITERATOR;
  return purpose === 'instance' ? INSTANCE : OBJECT;
}

function requireReferent(value: unknown, definition: TypeDefinition): object {
  if ((typeof value === 'object' && value !== null) || typeof value === 'function') return value;
  throw new RemoteError(
    `Cannot create '${definition.typeid}': it gave ${value === null ? 'null' : typeof value}, which cannot be shared`,
  );
}
