// Where private managers live: a directory of mode 0700 each, in a directory of this user's, with
// the socket `s` and the file `key`. A process of the same user that meets a token reads the key
// there; nothing outside this directory is ever opened because a token says so.

import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../base/errors';
import { answers } from '../transport/abandoned';

const SOCKET = 's';
const KEY = 'key';
const FAILURE = 'failure';
const POLL_MS = 5;

interface KeyFile {
  readonly key: string;
  /** The process that started the manager: while it lives, the manager may still be starting. */
  readonly owner: number;
  /** What its manager takes structured data in; absent: v8. */
  readonly serializer?: string | undefined;
  /** It has served: where its socket is gone, it has ended. */
  readonly served?: true;
}

function root(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && existsSync(runtime)) return join(runtime, 'referent');
  return join(
    tmpdir(),
    process.platform === 'win32' ? 'referent' : `referent-${String(userInfo().uid)}`,
  );
}

/** The address of a new private manager. Nothing is made yet. */
export function newPrivateAddress(): string {
  const name = randomBytes(8).toString('hex');
  return process.platform === 'win32'
    ? `pipe:referent-${name}`
    : `unix:${join(root(), name, SOCKET)}`;
}

/** The directory of a private address; undefined for any other address. */
export function directoryOf(address: string): string | undefined {
  const pipe = /^pipe:referent-([0-9a-f]{16})$/.exec(address)?.[1];
  if (pipe !== undefined) return join(root(), pipe);
  if (!address.startsWith('unix:')) return undefined;
  const directory = dirname(address.slice('unix:'.length));
  const isOurs = dirname(directory) === root() && /[/\\][0-9a-f]{16}$/.test(directory);
  return isOurs ? directory : undefined;
}

/** Whether the address is one that `newPrivateAddress` gives. */
export function isPrivateAddress(address: string): boolean {
  return directoryOf(address) !== undefined;
}

/** Makes the directory and the key file of a private manager. */
export function makePrivateDirectory(address: string, key: Buffer, serializer?: string): void {
  const directory = directoryOf(address);
  if (directory === undefined) throw new UsageError(`"${address}" is no private address`);
  mkdirSync(root(), { recursive: true, mode: 0o700 });
  requireOwn(root());
  mkdirSync(directory, { mode: 0o700 });
  const content: KeyFile = { key: key.toString('hex'), owner: process.pid, serializer };
  writeFileSync(join(directory, KEY), JSON.stringify(content), { mode: 0o600 });
}

/** From now on nobody waits for the socket at that address. */
export function markServed(address: string): void {
  const directory = directoryOf(address);
  const file = readKeyFile(address);
  if (directory === undefined || file === undefined) return;
  const content: KeyFile = { ...file, served: true };
  const next = join(directory, `${KEY}.next`);
  writeFileSync(next, JSON.stringify(content), { mode: 0o600 });
  renameSync(next, join(directory, KEY)); // whole, whoever reads it
}

export function removePrivateDirectory(address: string): void {
  const directory = directoryOf(address);
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
}

/** The key of a private manager; undefined where this user has none at that address. */
export function findPrivateKey(address: string): Buffer | undefined {
  const file = readKeyFile(address);
  return file === undefined ? undefined : Buffer.from(file.key, 'hex');
}

/** What a private manager takes structured data in; undefined where this user has none there. */
export function findPrivateSerializer(address: string): string | undefined {
  return readKeyFile(address)?.serializer;
}

function readKeyFile(address: string): KeyFile | undefined {
  const directory = directoryOf(address);
  if (directory === undefined || !existsSync(join(directory, KEY))) return undefined;
  requireOwn(root());
  requireOwn(directory);
  try {
    return JSON.parse(readFileSync(join(directory, KEY), 'utf8')) as KeyFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // just removed
    throw error;
  }
}

/** A directory that somebody else made, or can enter, may hold anything. */
function requireOwn(directory: string): void {
  if (process.platform === 'win32') return;
  const { uid, mode } = lstatSync(directory);
  const isDirectory = lstatSync(directory).isDirectory();
  if (isDirectory && uid === userInfo().uid && (mode & 0o077) === 0) return;
  throw new UsageError(
    `"${directory}" must be a directory of this user alone (mode 0700): remove it, or set XDG_RUNTIME_DIR`,
  );
}

/** A token may come before its manager listens: waits as long as that one is starting. */
export async function waitForPrivateManager(address: string, timeoutMs: number): Promise<void> {
  const directory = directoryOf(address);
  if (directory === undefined || process.platform === 'win32') return;
  const end = Date.now() + timeoutMs;
  const socket = join(directory, SOCKET);
  while (!existsSync(socket) && Date.now() < end) {
    const file = readKeyFile(address);
    if (file === undefined || !isComing(file)) return; // connecting tells what is wrong
    await sleep(POLL_MS);
  }
}

/** Whether a private manager does not listen yet, and whoever started it lives. */
export function isStarting(address: string): boolean {
  const directory = directoryOf(address);
  if (directory === undefined || existsSync(join(directory, SOCKET))) return false;
  const file = readKeyFile(address);
  return file !== undefined && isComing(file);
}

function isComing({ owner, served }: KeyFile): boolean {
  return served !== true && isAlive(owner);
}

/** Why a private manager could not start, as packed by its process: for an owner whose thread is blocked. */
export function writeFailure(address: string, failure: Uint8Array): void {
  const directory = directoryOf(address);
  if (directory === undefined || !existsSync(directory)) return;
  writeFileSync(join(directory, FAILURE), failure, { mode: 0o600 });
}

export function readFailure(address: string): Buffer | undefined {
  const directory = directoryOf(address);
  if (directory === undefined || !existsSync(join(directory, FAILURE))) return undefined;
  return readFileSync(join(directory, FAILURE));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // there is none, or it is somebody else's
  }
}

/** Removes what killed managers left behind: directories whose socket nobody answers. */
export async function sweepPrivateDirectories(): Promise<void> {
  if (process.platform === 'win32' || !existsSync(root())) return;
  for (const name of readdirSync(root())) {
    const directory = join(root(), name);
    const address = `unix:${join(directory, SOCKET)}`;
    const file = directoryOf(address) === undefined ? undefined : tryReadKeyFile(address);
    if (file === undefined || isAlive(file.owner)) continue;
    if (!(await answers(join(directory, SOCKET))))
      rmSync(directory, { recursive: true, force: true });
  }
}

function tryReadKeyFile(address: string): KeyFile | undefined {
  try {
    return readKeyFile(address);
  } catch {
    return undefined; // not ours, or half written: none of our business
  }
}
