// What a command is: a name, flags with a line of help each, and what it does. The help of a command
// and the reading of its flags come from one table, so that they cannot differ.

import { parseArgs } from 'node:util';
import { UsageError, messageOf } from '../base/errors';
import { print } from './output';
import { twoColumns } from './table';

export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: true;
  /** What the help calls its value. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends { readonly multiple: true }
  ? readonly string[]
  : F extends { readonly type: 'string' }
    ? string
    : boolean;

export type Values<F extends Flags> = { readonly [K in keyof F]?: ValueOf<F[K]> | undefined };

const COMMON = {
  debug: { type: 'boolean', help: 'say where an error comes from' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
} as const satisfies Flags;

/** The flags of a command, with those that all commands have. */
export type Given<F extends Flags> = Values<F & typeof COMMON>;

export interface Definition<F extends Flags> {
  readonly name: string;
  /** What it is given beside flags; in brackets: it may be left out. */
  readonly argument?: 'ADDRESS' | 'FILE' | '[COMMAND]';
  readonly summary: string;
  readonly flags: F;
  readonly notes?: string;
  readonly run: (values: Given<F>, argument: string) => Promise<void>;
}

export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly flags: Flags;
  readonly help: string;
  /** Rejects with `UsageError` for what cannot be understood. */
  readonly run: (args: readonly string[]) => Promise<void>;
}

const ARGUMENTS = {
  ADDRESS: 'needs an address: unix:/path or tcp://host:port, as manager.address gives it',
  FILE: 'needs the name of a file',
} as const;

export function command<F extends Flags>(definition: Definition<F>): Command {
  const { name, argument, summary } = definition;
  const flags = { ...definition.flags, ...COMMON };
  const usage = [name, argument].filter((word) => word !== undefined).join(' ');
  const help = helpOf(usage, flags, definition);
  const run = async (args: readonly string[]): Promise<void> => {
    const { values, positionals } = parse(name, flags, args);
    const given = values as Given<F>;
    if (given.help === true) await print(help);
    else await definition.run(given, argumentOf(definition, positionals));
  };
  return { name, usage, summary, flags, help, run };
}

function parse(
  name: string,
  flags: Flags,
  args: readonly string[],
): { readonly values: object; readonly positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true });
  } catch (cause) {
    const [why = ''] = messageOf(cause).split(/\.\s/); // what follows tells of dashes
    throw new UsageError(`${why}; ${seeHelp(name)}`, { cause });
  }
}

function seeHelp(name: string): string {
  return `"referent ${name} --help" tells what it takes`;
}

function argumentOf<F extends Flags>(
  { name, argument }: Definition<F>,
  positionals: readonly string[],
): string {
  const [given, unexpected] = argument === undefined ? [undefined, ...positionals] : positionals;
  if (unexpected !== undefined) {
    throw new UsageError(`Unexpected argument '${unexpected}'; ${seeHelp(name)}`);
  }
  if (given === undefined && argument !== undefined && argument !== '[COMMAND]') {
    throw new UsageError(`referent ${name} ${ARGUMENTS[argument]}`);
  }
  return given ?? '';
}

function helpOf<F extends Flags>(usage: string, flags: Flags, definition: Definition<F>): string {
  const { summary, notes } = definition;
  const rows = Object.entries(flags).map(([name, { value, short, help }]) => {
    const alias = short === undefined ? '' : `, -${short}`;
    return [`--${name}${alias}${value === undefined ? '' : ` ${value}`}`, help] as const;
  });
  const parts = [`Usage: referent ${usage}`, `  ${summary}`, twoColumns(rows), notes];
  return `${parts.filter((part) => part !== undefined).join('\n\n')}\n`;
}

/** A flag that is a whole number. */
export function numberOf(flag: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`--${flag} must be a whole number, and not "${text}"`);
}
