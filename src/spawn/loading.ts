// Whether this process, a child, is loading the module of its task. A module that spawns while it is
// loaded would be loaded by its child, and spawn there: a chain of processes without an end.

import { UsageError } from '../base/errors';

let isLoading = false;

/** From when a task's module begins to load until it has loaded nothing may be spawned. */
export async function whileLoading<T>(load: () => Promise<T>): Promise<T> {
  isLoading = true;
  try {
    return await load();
  } finally {
    isLoading = false;
  }
}

/** Throws `UsageError` where a module spawns that is being loaded by a child. */
export function requireLoaded(): void {
  if (!isLoading) return;
  throw new UsageError(
    'spawn() was called while a child loaded this module: call it only where the module is the main one, if (require.main === module) or if (import.meta.main)',
  );
}
