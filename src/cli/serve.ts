// referent serve: a manager that stands alone, until a signal or `referent stop` ends it.
//
// Rule 1: stdout has one line, written when clients can connect. A script waits for it.
// Rule 2: the first signal lets running calls end, the second one does not wait.

import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { ReferentError, UsageError, messageOf } from '../base/errors';
import { adoptName } from '../log/child-log';
import { Manager } from '../manager';
import { removePrivateDirectory, sweepPrivateDirectories } from '../process/runtime-directory';
import { type Server } from '../server';
import { registerStandardProxies } from '../types/standard-types';
import { version } from '../version';
import { ACCESS, ACCESS_NOTES, accessTo } from './access';
import { type Flags, type Given, command, numberOf } from './command';
import { print, say } from './output';

/** Less than the 10 seconds after which `docker stop` kills. */
const DRAIN_MS = 5000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

const FLAGS = {
  listen: {
    type: 'string',
    value: 'ADDRESS',
    help: 'unix:/path, tcp://host:port, tls://host:port; default a private address of its own',
  },
  types: {
    type: 'string',
    multiple: true,
    value: 'MODULE',
    help: 'a file or package whose classes and functions can be shared; may be repeated',
  },
  imports: {
    type: 'string',
    multiple: true,
    value: 'MODULE',
    help: 'what clients may load by manager.module(), as they ask for it; may be repeated',
  },
  serializer: {
    type: 'string',
    value: 'NAME',
    help: 'what carries structured data: v8 (default), msgpack, json',
  },
  name: { type: 'string', value: 'NAME', help: 'what this process is called in logs and by ps' },
  log: {
    type: 'string',
    value: 'ADDRESS',
    help: 'a log server that takes its warnings and faults; of this user, without a key',
  },
  'log-level': { type: 'string', value: 'LEVEL', help: 'what is below is not logged there' },
  ...ACCESS,
  'drain-ms': {
    type: 'string',
    value: 'N',
    help: `how long calls may still run at the end; default ${DRAIN_MS}`,
  },
  json: { type: 'boolean', help: 'the ready line as JSON: address, pid, version' },
  quiet: { type: 'boolean', help: 'nothing on stderr but why it failed' },
} as const satisfies Flags;

const NOTES = `  When clients can connect, it prints one line on stdout and no other:
    referent listening on tcp://127.0.0.1:18813
  SIGTERM, SIGINT and "referent stop" end it: running calls are answered, objects are disposed,
  the socket is removed. A second signal ends it at once.

${ACCESS_NOTES}`;

export const serve = command({
  name: 'serve',
  summary: 'Serves shared objects until it is told to end.',
  flags: FLAGS,
  notes: NOTES,
  run: async (values) => {
    registerStandardProxies();
    const drainMs = numberOf('drain-ms', values['drain-ms'], DRAIN_MS);
    const server = serverFor(values);
    const tell = values.quiet === true ? () => undefined : say;
    server.on('warning', (warning) => {
      tell(`warning: ${messageOf(warning)}`);
    });
    endBySignal(server, drainMs, tell);
    await listen(server);
    await print(values.json === true ? readyJson(server) : readyLine(server));
    await sweepPrivateDirectories(); // of servers that were killed
    await server.serveForever();
  },
});

function serverFor(values: Given<typeof FLAGS>): Server {
  const { listen: address } = values;
  const types = (values.types ?? []).map(moduleOf);
  const access = accessTo(address, values);
  const { imports = [], debug = false, serializer, name, log, 'log-level': logLevel } = values;
  if (name !== undefined) adoptName(name);
  const logging = { log, logLevel };
  return new Manager({
    ...access,
    ...logging,
    address,
    types,
    imports,
    debug,
    serializer,
  }).getServer();
}

/** A file, from the working directory, or else a package. */
function moduleOf(name: string): string {
  const path = resolve(name);
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  if (name.startsWith('.') || isAbsolute(name)) {
    throw new UsageError(`Cannot find the module "${name}" of --types: there is no file ${path}`);
  }
  return name;
}

/** What is wrong now is not the command line, but that the address is taken or a module fails. */
async function listen(server: Server): Promise<void> {
  try {
    await server.listen();
  } catch (cause) {
    await server.close();
    throw new ReferentError(messageOf(cause), { cause });
  }
}

function readyLine({ address }: Server): string {
  return `referent listening on ${address}\n`;
}

function readyJson({ address }: Server): string {
  return `${JSON.stringify({ address, pid: process.pid, version })}\n`;
}

function endBySignal(server: Server, drainMs: number, tell: (text: string) => void): void {
  let isEnding = false;
  const end = (signal: (typeof SIGNALS)[number]): void => {
    if (isEnding) {
      removePrivateDirectory(server.address);
      process.exit(128 + constants.signals[signal]); // as a shell tells the end by a signal
    }
    isEnding = true;
    tell(`${signal}: ends when running calls have, or in ${drainMs} ms`);
    void server.close({ drainMs });
  };
  for (const signal of SIGNALS) process.on(signal, end);
}
