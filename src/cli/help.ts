// What there is: the list of commands, their help, and the version.

import { UsageError } from '../base/errors';
import { version as number } from '../version';
import { PROTOCOL_VERSION } from '../wire/frames';
import { type Command, command } from './command';
import { EXIT_CODES } from './failure';
import { inspect } from './inspect';
import { key } from './key';
import { print } from './output';
import { ping } from './ping';
import { serve } from './serve';
import { stop } from './stop';
import { twoColumns } from './table';

const version = command({
  name: 'version',
  summary: 'Prints the version of the package and of its protocol.',
  flags: {},
  run: async () => {
    await print(`referent ${number}, protocol ${PROTOCOL_VERSION}\n`);
  },
});

const help = command({
  name: 'help',
  argument: '[COMMAND]',
  summary: 'Explains a command and its flags.',
  flags: {},
  run: async (_values, name) => {
    await print(name === '' ? overview() : find(name).help);
  },
});

const COMMANDS: readonly Command[] = [serve, stop, inspect, ping, key, version, help];
/** What people write who do not know the commands. */
const ALIASES: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
};

/** Throws `UsageError` where there is no command of that name. */
export function find(name: string): Command {
  const found = COMMANDS.find((one) => one.name === (ALIASES[name] ?? name));
  if (found !== undefined) return found;
  const there = COMMANDS.map((one) => one.name).join(', ');
  throw new UsageError(
    name === ''
      ? `Say what to do: ${there}`
      : `Unknown command "${name}"; a command comes first, and there are: ${there}`,
  );
}

function overview(): string {
  const commands = twoColumns(COMMANDS.map(({ usage, summary }) => [usage, summary] as const));
  const codes = twoColumns(EXIT_CODES.map(([code, meaning]) => [String(code), meaning] as const));
  return `Usage: referent COMMAND [FLAGS]\n\n${commands}\n\nExit codes\n${codes}\n`;
}
