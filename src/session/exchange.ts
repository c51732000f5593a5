// Values in frames, with their reference tables: written, and read. Every reference that leaves is
// counted when it is written, and every one that comes in when its table is walked.

import { ProtocolError, SerializationError, UsageError, rethrow } from '../base/errors';
import { type Limits } from '../base/limits';
import { Lease, type Lessor } from '../refs/lease';
import { type ByteReader, ByteWriter } from '../wire/bytes';
import { isData, kindOf } from '../wire/plain';
import { type Reference, writeReferences } from '../wire/references';
import { type ValueLimits, refusal } from '../wire/refusals';
import { type NamedSerializer, requireSerializer } from '../wire/serializers';
import { TOKEN_KEY } from '../wire/token';
import { ValueDecoder } from '../wire/value-decoder';
import { ValueEncoder } from '../wire/value-encoder';
import { type Lent, type Party, type Purpose, type Translator } from './parties';

interface ExchangeOptions {
  readonly party: Party;
  readonly translator: Translator;
  readonly limits: Limits;
  /** The session, to which the leases that come in belong. */
  readonly lessor: Lessor;
  /**
   * One handle for one function: what was given to `on` can then be given to `off`. Only where
   * functions come from clients; elsewhere each handle is released by itself.
   */
  readonly identifiesFunctions: boolean;
  /** Whether errors tell the peer where they were thrown. */
  readonly sendsStacks: boolean;
  /** What carries structured data that this side sends of its own accord. */
  readonly serializer: string;
  /** Whether data of v8 is taken from the peer. */
  readonly takesV8: boolean;
}

/** How values are written. */
interface Writing {
  readonly purpose: Purpose;
  /** Gets the leases whose claims are not over. */
  readonly claiming: Lease[];
  readonly serializer: NamedSerializer | undefined;
}

/** What a walk met that is not there yet. */
export type Needs = Promise<unknown>[];

export interface WalkContext {
  /** The handle that was called: an answer that is its own object gives it back. */
  readonly self?: object | undefined;
  /** The values are the answer to a call that blocks the thread. */
  readonly isBlocking?: boolean;
  /** The values go into a container. */
  readonly isContainer?: boolean;
  readonly readPath: ReadPath;
}

/** Reads what a lazy member stands for, in the process of its object. */
export type ReadPath = (reference: Extract<Reference, { kind: 'path' }>, needs: Needs) => unknown;

export class Exchange {
  readonly party: Party;
  readonly #translator: Translator;
  readonly #limits: ValueLimits;
  readonly #lessor: Lessor;
  /** What carries structured data where a call says nothing; undefined: v8. */
  #serializer: NamedSerializer | undefined;
  /** What to use instead of v8, where that is not taken from the peer. */
  readonly #insteadOfV8: string | undefined;

  /** Handles of functions that may still be alive, by number; undefined: each gets a new one. */
  readonly #functions: Map<number, WeakRef<object>> | undefined;

  constructor(options: ExchangeOptions) {
    const { party, translator, limits, lessor } = options;
    this.#functions = options.identifiesFunctions ? new Map() : undefined;
    this.party = party;
    this.#translator = translator;
    this.#limits = { ...limits, stacks: options.sendsStacks };
    this.#lessor = lessor;
    this.#serializer = requireSerializer(options.serializer);
    this.#insteadOfV8 = options.takesV8 ? undefined : options.serializer;
  }

  get serializer(): NamedSerializer | undefined {
    return this.#serializer;
  }

  /** The peer reads data of that serializer best; it stays as it was where this side does not have it. */
  adopt(serializer: string): void {
    try {
      this.#serializer = requireSerializer(serializer);
    } catch {
      // Calls that want it are refused, each to its caller.
    }
  }

  // ---- out -------------------------------------------------------------------------------------

  writeArguments(writer: ByteWriter, args: readonly unknown[], how: Writing): readonly Reference[] {
    return this.#write(writer, how, (encoder) => {
      writer.varint(args.length);
      for (let i = 0; i < args.length; i++) encoder.encode(args[i], `argument ${String(i + 1)}`);
    });
  }

  writeValue(
    writer: ByteWriter,
    value: unknown,
    purpose: Purpose,
    serializer: NamedSerializer | undefined,
  ): void {
    this.#write(writer, { purpose, claiming: [], serializer }, (encoder) => {
      encoder.encode(value, 'the result');
    });
  }

  /** Writes `value` as a reference, shared under `typeid` where that is not empty. */
  writeLent(writer: ByteWriter, value: unknown, typeid: string): void {
    if ((typeof value !== 'object' || value === null) && typeof value !== 'function') {
      throw new SerializationError(`${kindOf(value)} cannot be shared as '${typeid || 'proxy'}'`);
    }
    const lent = this.party.lend(value, 'the result', 'result', typeid);
    writeReferences(writer, [{ kind: 'lent', ...lent }]);
    new ValueEncoder(writer, () => 0).encode(anyReference, 'the result');
  }

  #write(
    writer: ByteWriter,
    { purpose, claiming, serializer }: Writing,
    write: (encoder: ValueEncoder) => void,
  ): readonly Reference[] {
    const table = new Table((value, path) => this.#referenceTo(value, path, purpose, claiming));
    const tableAt = writer.length;
    writer.u8(0); // an empty table; where there is one, it is put here afterwards
    try {
      write(new ValueEncoder(writer, table.indexOf, this.#limits, serializer));
    } catch (error) {
      this.takeBack(table.entries);
      throw error;
    }
    table.insert(writer, tableAt);
    return table.entries;
  }

  /** Writes why a call was given up; where that cannot cross, only that it was. */
  writeReason(writer: ByteWriter, reason: unknown): void {
    const start = writer.length;
    const encode = (value: unknown): void => {
      new ValueEncoder(writer, refuseReference, this.#limits, this.#serializer).encode(value, 'it');
    };
    try {
      encode(reason);
    } catch {
      writer.length = start;
      encode(new DOMException('The caller gave up', 'AbortError'));
    }
  }

  /** Lent in a message that was not sent after all. */
  takeBack(references: readonly Reference[]): void {
    for (const reference of references) {
      if (reference.kind === 'lent') this.party.released(reference.id, 1);
    }
  }

  #referenceTo(value: object, path: string, purpose: Purpose, claiming: Lease[]): Reference {
    const lease = this.#translator.leaseOf(value);
    if (lease === undefined) {
      const text = this.#translator.nameTokenOf(value);
      if (text !== undefined) return { kind: 'token', text };
      if (Object.hasOwn(value, TOKEN_KEY)) refuseToTravel(value);
      return (
        this.#referenceToMember(value, path, purpose, claiming) ??
        lentBy(this.party.lend(value, path, purpose))
      );
    }
    if (lease.released) {
      throw new UsageError(`Cannot send ${path}: the proxy was released`, {
        code: 'ERR_REFERENT_RELEASED',
      });
    }
    if (lease.failure !== undefined) throw lease.failure;
    if (lease.lessor === this.#lessor) {
      if (lease.claim !== undefined) claiming.push(lease);
      return { kind: 'own', ...numberOf(lease) };
    }
    const text = this.#translator.onceToken(lease);
    return text === undefined
      ? lentBy(this.party.lend(value, path, purpose))
      : { kind: 'token', text };
  }

  /** A lazy member goes as its path: its owner reads it. */
  #referenceToMember(
    value: object,
    path: string,
    purpose: Purpose,
    claiming: Lease[],
  ): Reference | undefined {
    const member = this.#translator.pathOf(value);
    if (member === undefined) return undefined;
    if (purpose === 'result' || purpose === 'instance') {
      throw new SerializationError(
        `Cannot send ${path}: it is what a callback answers, a promise; await it first`,
      );
    }
    if (member.lessor !== this.#lessor) {
      throw new SerializationError(
        `Cannot send ${path}: it is a member of an object in another manager; await it first`,
      );
    }
    if (member.root.claim !== undefined) claiming.push(member.root);
    return { kind: 'path', target: member.target, path: member.path };
  }

  // ---- in --------------------------------------------------------------------------------------

  /** What stands for the references of a frame, in their order. `self`: the handle that was called. */
  walk(references: readonly Reference[], needs: Needs, context: WalkContext): readonly unknown[] {
    if (references.length === 0) return references;
    const values: unknown[] = [];
    let failure: { readonly error: unknown } | undefined;
    for (const reference of references) {
      try {
        values.push(this.#valueOf(reference, needs, context));
      } catch (error) {
        failure ??= { error }; // the rest of the table is counted all the same
      }
    }
    if (failure === undefined) return values;
    for (const value of values) if (value !== context.self) this.abandon(value);
    rethrow(failure.error);
  }

  #valueOf(reference: Reference, needs: Needs, context: WalkContext): unknown {
    switch (reference.kind) {
      case 'own':
        return this.#own(reference, needs, context.isContainer ?? false);
      case 'lent':
        return this.#adopt(reference, context);
      case 'token': {
        const { value, claim } = this.#translator.open(reference.text);
        if (claim === undefined) return value;
        let own: unknown;
        const need = claim.then((claimed) => (own = claimed));
        need.catch(() => undefined); // in an answer nobody waits for it: calls on the handle tell
        needs.push(need);
        return value ?? new Awaited(() => own); // an object of this process, or a handle at once
      }
      case 'path':
        return context.readPath(reference, needs);
    }
  }

  #own(
    reference: Extract<Reference, { kind: 'own' }>,
    needs: Needs,
    isContainer: boolean,
  ): unknown {
    const { id, relative } = reference;
    const { referent, ready, failure, owned } = this.party.subject(id, relative);
    if (owned && isContainer) {
      throw new SerializationError(
        'Cannot put an iterator, or an object of a type that is owned, into a shared container: it is disposed with its last reference',
      );
    }
    if (ready !== undefined) {
      needs.push(ready);
      return new Awaited(() => {
        const made = this.party.subject(id, relative);
        if (made.failure !== undefined) rethrow(made.failure);
        return made.referent;
      });
    }
    if (failure !== undefined) rethrow(failure);
    return referent;
  }

  /** A call that answers its own object gives the same handle back. */
  #adopt(
    reference: Extract<Reference, { kind: 'lent' }>,
    { self, isBlocking = false }: WalkContext,
  ): object {
    const lease = new Lease(this.#lessor, reference);
    const own = self === undefined ? undefined : this.#translator.leaseOf(self);
    if (self !== undefined && own?.id === reference.id && !own.released) {
      lease.release(false);
      return self;
    }
    const known = reference.callable ? this.#functions?.get(reference.id)?.deref() : undefined;
    if (known !== undefined && this.#translator.leaseOf(known)?.released === false) {
      lease.release(false);
      return known;
    }
    const handle = this.#translator.adopt(lease, isBlocking);
    if (reference.callable) this.#functions?.set(reference.id, new WeakRef(handle));
    return handle;
  }

  /** A lease was given back: its handle is gone, unless a newer one has taken its place. */
  forgetFunction(id: number): void {
    const handle = this.#functions?.get(id)?.deref();
    const isAlive = handle !== undefined && this.#translator.leaseOf(handle)?.released === false;
    if (!isAlive) this.#functions?.delete(id);
  }

  readArguments(body: ByteReader, values: readonly unknown[]): unknown[] {
    const count = body.count();
    const args: unknown[] = [];
    const decoder = this.#decoder(body, values);
    for (let i = 0; i < count; i++) args.push(decoder.decode());
    return args;
  }

  readValue(body: ByteReader, values: readonly unknown[]): unknown {
    return this.#decoder(body, values).decode();
  }

  #decoder(body: ByteReader, values: readonly unknown[]): ValueDecoder {
    const valueOf = values.length === 0 ? noReference : lookUp(values);
    return new ValueDecoder(body, valueOf, this.#insteadOfV8);
  }

  /** Nobody waits for this value: what it lends is given back. */
  abandon(value: unknown): void {
    if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      this.#translator.leaseOf(value)?.release(false);
    }
  }
}

/** How a lease's referent is called on the wire: within our range where we made it. */
export function numberOf(lease: Lease): { readonly id: number; readonly relative: boolean } {
  const relative = lease.relative > 0;
  return { id: relative ? lease.relative : lease.id, relative };
}

/** What stands in for a value that is not there yet. */
export class Awaited {
  readonly #read: () => unknown;
  constructor(read: () => unknown) {
    this.#read = read;
  }
  get value(): unknown {
    return this.#read();
  }
}

/** What is no handle and has the property of one must stay: reading it throws why. */
function refuseToTravel(value: object): void {
  Reflect.get(value, TOKEN_KEY);
}

function lentBy(lent: Lent): Reference {
  return { kind: 'lent', ...lent };
}

function lookUp(values: readonly unknown[]): (index: number) => unknown {
  return (index) => {
    if (index >= values.length) {
      throw new ProtocolError('Cannot read a value: it names a reference that is not in the table');
    }
    const value = values[index];
    return value instanceof Awaited ? value.value : value;
  };
}

const noReference = lookUp([]);

function refuseReference(value: object, path: string): undefined {
  if (!isData(value)) throw refusal(value, path);
  return undefined;
}

/** Any function: written as the first reference. */
const anyReference = Object.freeze(() => undefined);

/** The reference table of one frame while its values are written. */
class Table {
  entries: Reference[] = [];
  readonly #make: (value: object, path: string) => Reference;
  #indices: Map<object, number> | undefined;

  constructor(make: (value: object, path: string) => Reference) {
    this.#make = make;
  }

  readonly indexOf = (value: object, path: string): number | undefined => {
    if (isData(value)) return undefined;
    const known = this.#indices?.get(value);
    if (known !== undefined) return known;
    const entry = this.#make(value, path);
    this.#indices ??= new Map();
    this.#indices.set(value, this.entries.length);
    return this.entries.push(entry) - 1;
  };

  /** Puts the table in front of the values, in place of the empty one. */
  insert(writer: ByteWriter, at: number): void {
    if (this.entries.length === 0) return;
    const table = new ByteWriter(256);
    writeReferences(table, this.entries);
    writer.patchU8(at, table.byteAt(0));
    writer.insert(at + 1, table.bytes.subarray(1));
  }
}
