// Naming code so that another process can load it, and loading it.
//
// A name is a URL, an absolute path, `node:x`, or a package found from the working directory of
// the process that names it; it travels as a URL, so that it means the same everywhere.

import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UsageError, messageOf } from '../base/errors';

/** A function or class by its module and export; a text or URL alone means the default export. */
export type ModuleRef = string | URL | { readonly module: string | URL; readonly export?: string };

export interface ResolvedModule {
  readonly url: string;
  readonly exportName: string;
}

/** Throws `UsageError` for a relative path, and for a package that is not there. */
export function resolveModule(ref: ModuleRef): ResolvedModule {
  requireName(ref);
  if (typeof ref === 'string' || ref instanceof URL)
    return { url: urlOf(ref), exportName: 'default' };
  const { module, export: exportName = 'default', ...others } = ref;
  requireNone(others);
  return { url: urlOf(module), exportName };
}

function requireName(ref: unknown): void {
  const name = typeof ref === 'string' || ref instanceof URL ? ref : nameIn(ref);
  if (typeof name === 'string' || name instanceof URL) return;
  throw new UsageError(
    'Code for another process is named by its module: a path or URL, or { module, export }',
  );
}

function requireNone(others: object): void {
  const [name] = Object.keys(others);
  if (name === undefined) return;
  throw new UsageError(
    `Unknown field "${name}" of what names code for another process; there are: module, export`,
  );
}

function nameIn(ref: unknown): unknown {
  return typeof ref === 'object' && ref !== null ? (ref as { module?: unknown }).module : undefined;
}

function urlOf(module: string | URL): string {
  if (module instanceof URL) return module.href;
  if (/^(file|data|node):/.test(module)) return module;
  if (isAbsolute(module)) return pathToFileURL(module).href;
  if (module.startsWith('.')) {
    throw new UsageError(
      `Cannot name the module "${module}" by a relative path: use require.resolve('${module}'), or new URL('${module}', import.meta.url)`,
    );
  }
  try {
    const found = createRequire(join(process.cwd(), 'noop.js')).resolve(module);
    return isAbsolute(found) ? pathToFileURL(found).href : `node:${found}`;
  } catch (cause) {
    throw new UsageError(`Cannot find the module "${module}" from ${process.cwd()}`, { cause });
  }
}

/** A module system that has no import(), as in jest; a loader that hooks require alone, as ts-node. */
const ONLY_REQUIRE = new Set([
  'ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG',
  'ERR_UNKNOWN_FILE_EXTENSION',
]);

/** Loads a module: by `import()`, or by `require` where the module system allows only that. */
export async function loadModule(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !ONLY_REQUIRE.has(code)) throw error;
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- see above
    return require(path) as Record<string, unknown>;
  }
}

/** The export that `ref` names. Throws `UsageError` where the module has none of that name. */
export async function loadExport(ref: ResolvedModule): Promise<unknown> {
  let module: Record<string, unknown>;
  try {
    module = await loadModule(ref.url);
  } catch (cause) {
    throw new UsageError(`Cannot load ${ref.url}: ${messageOf(cause)}`, { cause });
  }
  const exported = exportOf(module, ref.exportName);
  if (exported === undefined) {
    const there = Object.keys(module).join(', ');
    throw new UsageError(`Module ${ref.url} has no export "${ref.exportName}"; it has: ${there}`);
  }
  return exported;
}

/** A CommonJS module's exports stand on its default when it was imported. */
function exportOf(module: Record<string, unknown>, name: string): unknown {
  const fallback = module.default as Record<string, unknown> | undefined;
  if (name !== 'default') return module[name] ?? fallback?.[name];
  const inner = fallback?.__esModule === true ? fallback.default : fallback;
  return inner ?? (Object.hasOwn(module, 'default') ? undefined : module);
}
