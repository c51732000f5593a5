// typeid → how a referent is made and what of it is exposed. Each host has its own.

import { RemoteError, UsageError, messageOf } from '../base/errors';
import { type Imports } from '../process/imports';
import { type ResolvedModule, loadExport, loadModule } from '../process/modules';
import { type Exposure, openExposure } from '../session/exposure';
import { NO_TRUST } from '../session/passing';
import { MODULE } from '../session/naming';
import { type Home, type SharedType } from '../types/shared-type';

/** A registration as it travels to the server. */
export interface RegisteredType {
  readonly typeid: string;
  /** Absent: a type for results, whose referent is what the method answered. */
  readonly module?: ResolvedModule | undefined;
  readonly exposed?: readonly string[] | undefined;
  readonly methodToTypeid?: Readonly<Record<string, string>> | undefined;
  readonly owned?: boolean | undefined;
  readonly serialized?: boolean | undefined;
}

export interface TypeDefinition {
  readonly typeid: string;
  readonly exposure: Exposure;
  readonly owned: boolean;
  /** Whether referents are disposed at the end: of the standard types only what is owned. */
  readonly registered: boolean;
  /** Loads what makes the referents, where that is not done yet. */
  readonly load: (() => Promise<void>) | undefined;
  /** Makes a referent: the thing itself, or a promise of it. */
  readonly make: ((args: readonly unknown[]) => unknown) | undefined;
}

export class Registry {
  readonly #home: Home | undefined;
  readonly #types = new Map<string, TypeDefinition>();
  readonly #shared: { readonly type: SharedType; readonly definition: TypeDefinition }[] = [];

  /** `home`: where the host serves; without it types that start processes cannot be made. */
  constructor(shared: readonly SharedType[], home?: Home) {
    this.#home = home;
    for (const type of shared) this.#addShared(type);
    if (home !== undefined) this.#types.set(MODULE, moduleDefinition(home.imports));
  }

  get typeids(): string[] {
    return [...this.#types.keys()].filter((typeid) => !typeid.startsWith('_'));
  }

  /** Throws `RemoteError` for a typeid that was not registered. */
  get(typeid: string): TypeDefinition {
    const definition = this.#types.get(typeid);
    if (definition !== undefined) return definition;
    throw new RemoteError(
      `Unknown typeid '${typeid}': register it before the manager starts; known are ${this.typeids.join(', ')}`,
      { remoteName: 'UsageError' },
    );
  }

  /** Throws `MethodNotExposedError` where option `imports` does not name that module. */
  requireModule(url: string): void {
    if (this.#home === undefined) NO_TRUST.requireModule(url);
    try {
      this.#home?.imports.requireUrl(url);
    } catch {
      NO_TRUST.requireModule(url);
    }
  }

  isContainer(typeid: string): boolean {
    return this.#types.get(typeid)?.exposure.isContainer ?? false;
  }

  /** The shared type of which `referent` is. */
  definitionOf(referent: object): TypeDefinition | undefined {
    return this.#shared.find(({ type }) => referent instanceof type.referentType)?.definition;
  }

  add(type: RegisteredType): void {
    const { typeid, module } = type;
    let exported: unknown;
    const definition: TypeDefinition = {
      typeid,
      exposure: exposureOf(type),
      owned: type.owned ?? false,
      registered: true,
      load: undefined,
      make: module === undefined ? undefined : (args) => construct(exported, args),
    };
    if (module === undefined) {
      this.#types.set(typeid, definition);
      return;
    }
    const load = async (): Promise<void> => {
      exported = await loadExport(module);
      if (typeof exported !== 'function') {
        throw new UsageError(
          `Export "${module.exportName}" of ${module.url} is neither a class nor a function`,
        );
      }
      this.#types.set(typeid, definition); // loaded: from now on referents are made at once
    };
    this.#types.set(typeid, { ...definition, load });
  }

  /** Every class and function that a module exports becomes a type of that name. */
  async addModule(module: ResolvedModule): Promise<void> {
    const exports = await loadWhole(module.url);
    const inner = exports.default;
    const all = typeof inner === 'object' && inner !== null ? { ...inner, ...exports } : exports;
    for (const [name, exported] of Object.entries(all)) {
      if (typeof exported !== 'function' || name === 'module.exports') continue;
      const typeid = name === 'default' ? exported.name : name;
      if (typeid !== '' && !this.#types.has(typeid)) {
        this.add({ typeid, module: { url: module.url, exportName: name } });
      }
    }
  }

  #addShared(type: SharedType): void {
    const definition: TypeDefinition = {
      typeid: type.typeid,
      exposure: {
        names: new Set(type.exposed),
        resultTypes: new Map(),
        typeid: type.typeid,
        isContainer: type.isContainer ?? false,
      },
      owned: type.owned ?? false,
      registered: type.owned ?? false,
      load: undefined,
      make: (args) => {
        const all = type.takesHome === true ? [this.#home, ...args] : args;
        return type.create(...(all as never[]));
      },
    };
    this.#types.set(type.typeid, definition);
    this.#shared.push({ type, definition });
  }
}

function moduleDefinition(imports: Imports): TypeDefinition {
  return {
    typeid: MODULE,
    exposure: { ...openExposure('module'), lendsInstances: true },
    owned: false,
    registered: false,
    load: undefined,
    make: ([specifier]) => imports.load(String(specifier)),
  };
}

async function loadWhole(url: string): Promise<Record<string, unknown>> {
  try {
    return await loadModule(url);
  } catch (cause) {
    throw new UsageError(`Cannot load ${url}, which option "types" names: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function exposureOf(type: RegisteredType): Exposure {
  const { typeid, exposed, methodToTypeid = {}, serialized = false } = type;
  const resultTypes = new Map(Object.entries(methodToTypeid));
  const names = exposed === undefined ? undefined : new Set([...exposed, ...resultTypes.keys()]);
  return { names, resultTypes, typeid, serialized };
}

function construct(exported: unknown, args: readonly unknown[]): unknown {
  if (typeof exported !== 'function') throw new UsageError('The type was not loaded');
  return isClass(exported)
    ? (Reflect.construct(exported, args) as unknown)
    : (Reflect.apply(exported, undefined, args) as unknown);
}

/** A class is constructed, any other function is called. */
function isClass(exported: { readonly prototype?: unknown }): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(exported, 'prototype');
  if (descriptor === undefined) return false; // an arrow function or a method
  if (descriptor.writable === false) return true; // class syntax
  const prototype = exported.prototype as object | undefined;
  const isGenerator = prototype !== undefined && !Object.hasOwn(prototype, 'constructor');
  return (
    !isGenerator && prototype !== undefined && Object.getOwnPropertyNames(prototype).length > 1
  );
}
