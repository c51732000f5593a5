#!/usr/bin/env node
// The command `referent`: looks at managers that run on this machine.

import { parseArgs } from 'node:util';
import { UsageError, messageOf } from './base/errors';
import { Manager } from './manager';
import { version } from './version';
import { PROTOCOL_VERSION } from './wire/frames';

const HELP = `Usage: referent COMMAND

  inspect ADDRESS   what a manager holds, and for whom
  ping ADDRESS      how long an answer takes
  version           the version of the package and of its protocol
  help              this text

ADDRESS is manager.address, unix:/path for example. The key of a private manager
of yours is found beside its socket; any other is read from the file that
--authkey-file names.
`;

async function run(argv: readonly string[]): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      'authkey-file': { type: 'string' },
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
  return await look(command, address, values['authkey-file']);
}

async function look(
  command: 'inspect' | 'ping',
  address: string,
  keyFile: string | undefined,
): Promise<string> {
  const authkey = keyFile === undefined ? undefined : await readKey(keyFile);
  await using manager = Manager.connect(address, { authkey, retries: 0 });
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

async function readKey(file: string): Promise<string> {
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
