// A function that came as its text. It has what is global, `require` of the working directory, and
// its arguments; what it closed over stayed behind, and an error says so.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { UsageError, messageOf } from '../base/errors';
import { type TaskFunction } from './task';

/** Throws `UsageError` for a text that is no function. */
export function functionOf(text: string): TaskFunction {
  const required = createRequire(join(process.cwd(), 'noop.js'));
  let failure: unknown;
  // The second form is for methods, whose text is no expression.
  for (const form of [`return (${text}\n)`, `return Object.values({ ${text}\n })[0]`]) {
    try {
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text is of our own parent
      const make = new Function('require', '__name', `'use strict'; ${form}`) as MakeFunction;
      return make(required, keepName);
    } catch (error) {
      failure ??= error;
    }
  }
  throw new UsageError(
    `The text of the function cannot be run: ${messageOf(failure)}; name the function by module and export`,
    { cause: failure },
  );
}

type MakeFunction = (
  required: NodeJS.Require,
  keepName: (value: unknown) => unknown,
) => TaskFunction;

/** What esbuild calls around functions whose names it keeps. */
function keepName(value: unknown): unknown {
  return value;
}

/** Of a name that the text has and this process has not, another error. */
export function explained(error: unknown, text: string): unknown {
  if (!(error instanceof ReferenceError)) return error;
  const name = /^(\S+) is not defined$/.exec(error.message)?.[1];
  if (name === undefined || !text.includes(name)) return error;
  return new UsageError(
    `${name} is not defined in the child: a function is sent as its text, without what stands around it; name the function by module and export`,
    { cause: error },
  );
}
