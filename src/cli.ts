#!/usr/bin/env node
// The command `referent`: looks at managers that run on this machine.

import { parseArgs } from 'node:util';
import { UsageError, messageOf } from './base/errors';
import { Manager } from './manager';
import { type ConnectOptions } from './manager-options';
import { version } from './version';
import { PROTOCOL_VERSION } from './wire/frames';

const HELP = `Usage: referent COMMAND

  inspect ADDRESS   what a manager holds, and for whom
  ping ADDRESS      how long an answer takes
  version           the version of the package and of its protocol
  help              this text

ADDRESS is manager.address, unix:/path or tcp://host:port for example. The key of a
private manager of yours is found beside its socket; any other is read from a file.

  --authkey-file FILE           the key
  --ca FILE                     who signed the certificate of a tls:// manager
  --cert FILE, --key FILE       the certificate that it asks for, and its key
  --insecure                    beyond this machine without TLS
`;

async function run(argv: readonly string[]): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      'authkey-file': { type: 'string' },
      ca: { type: 'string' },
      cert: { type: 'string' },
      key: { type: 'string' },
      insecure: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  });
  const [command = 'help', address] = positionals;
  if (values.help === true || command === 'help') return HELP;
  if (values.version === true || command === 'version') {
    return `referent ${version}, protocol ${String(PROTOCOL_VERSION)}\n`;
  }
  if (command !== 'inspect' && command !== 'ping') {
    throw new UsageError(`Unknown command "${command}"; there are: inspect, ping, version, help`);
  }
  if (address === undefined) throw new UsageError(`referent ${command} needs an address`);
  const { ca, cert, key, insecure } = values;
  const authkey = await read(values['authkey-file']);
  const hasTls = ca !== undefined || cert !== undefined || key !== undefined;
  const tls = { ca: await read(ca), cert: await read(cert), key: await read(key) };
  return await look(command, address, { authkey, insecure, ...(hasTls ? { tls } : {}) });
}

async function look(
  command: 'inspect' | 'ping',
  address: string,
  options: ConnectOptions,
): Promise<string> {
  await using manager = Manager.connect(address, { ...options, retries: 0 });
  if (command === 'ping') {
    const { roundTripMs } = await manager.ping({ timeoutMs: 5000 });
    return `${roundTripMs.toFixed(3)} ms\n`;
  }
  const { sessions } = await manager.inspect();
  const clients = sessions.map(({ id, references }) => {
    return `  session ${String(id)}: ${String(references)} references\n`;
  });
  const objects = await manager.debugInfo();
  return `${String(sessions.length)} sessions\n${clients.join('')}objects\n${objects}\n`;
}

async function read(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const { readFile } = await import('node:fs/promises');
  return (await readFile(file, 'utf8')).trim();
}

run(process.argv.slice(2)).then(
  (text) => {
    process.stdout.write(text);
  },
  (error: unknown) => {
    process.stderr.write(`referent: ${messageOf(error)}\n`);
    process.exitCode = 1;
  },
);
