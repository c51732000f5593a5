// Starting a task: in a process, in a thread, or here.

import { type Deferred, deferred } from '../base/deferred';
import { UsageError } from '../base/errors';
import { DEFAULT_LIMITS } from '../base/limits';
import { ownHost } from '../expose/own-host';
import { type ModuleRef } from '../process/modules';
import { release, tokenOf, withOptions } from '../proxy/functions';
import { TOKEN_KEY } from '../wire/token';
import { type Desk } from './desk';
import { Except } from './except';
import { requireLoaded } from './loading';
import { PackedArguments } from './parcel';
import {
  type Kind,
  type SpawnOptions,
  type SpawnSettings,
  resolveSpawnOptions,
} from './spawn-options';
import { Spawned } from './spawned';
import { type Task, type TravellingTask, taskOf } from './task';
import { TaskInline } from './task-inline';
import { TaskProcess } from './task-process';
import { TaskThread } from './task-thread';
import { type Vessel } from './vessel';

/** How many there were of each kind. */
const counts: Record<Kind, number> = { process: 0, thread: 0, inline: 0 };

/**
 * Runs `task` with `args` in a process of its own, a thread, or this one. Throws what is wrong with
 * the call itself; everything else is told by the `Spawned`.
 */
export function spawn<R = unknown>(
  task: ModuleRef | ((...args: never[]) => R | Promise<R>),
  args: readonly unknown[] = [],
  options?: SpawnOptions,
): Spawned<R> {
  requireLoaded();
  const settings = resolveSpawnOptions(options);
  if (!Array.isArray(args)) throw new UsageError('The arguments of a task must be an array');
  settings.signal?.throwIfAborted();
  const found = taskOf(task);
  const errors = settings.errors ?? new Except();
  const packed = new PackedArguments(args, [errors], settings.kind);
  if (found.travels.kind === 'remote') packed.hold(found.travels.target);
  try {
    const name = nameOf(found, settings);
    const started = start(settings, { name, found, packed });
    return new Spawned<R>({ name, packed, errors, settings, ...started });
  } catch (error) {
    packed.release();
    throw error;
  }
}

function nameOf({ name }: Task, { name: given, kind }: SpawnSettings): string {
  return given ?? `${name}-${kind}-${String(++counts[kind])}`;
}

interface Started {
  readonly task: TravellingTask;
  readonly vessel: Vessel;
  readonly desk: Promise<Desk>;
}

function start(
  settings: SpawnSettings,
  { name, found, packed }: { name: string; found: Task; packed: PackedArguments },
): Started {
  const { travels: task, local } = found;
  if (settings.kind === 'inline') {
    const vessel = new TaskInline();
    const body: TravellingTask = local === undefined ? task : { kind: 'function', body: local };
    return { task: body, vessel, desk: Promise.resolve(vessel.desk) };
  }
  const modules = task.kind === 'module' ? [task.module.url] : [];
  const desk = deferred<Desk>();
  const made = {
    ...settings,
    name,
    modules,
    memories: packed.memories,
    newSeat: () => seatOf(desk),
  };
  const vessel = settings.kind === 'thread' ? new TaskThread(made) : new TaskProcess(made);
  return { task, vessel, desk: desk.promise };
}

/** What a child is given to come by: a token that only it has, and that opens once. */
function seatOf(desk: Deferred<Desk>): object {
  const take = ownHost().proxyOf((taken: object) => {
    // What a task answers is data and proxies: anything else would end with its process.
    desk.resolve(withOptions(taken, { returns: 'copy' }) as Desk);
    release(taken);
  });
  const { text } = tokenOf(take, { uses: 1, ttlMs: DEFAULT_LIMITS.handshakeMs });
  release(take);
  return { [TOKEN_KEY]: text };
}
