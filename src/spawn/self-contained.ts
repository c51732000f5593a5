// What a function that came as its text could not know, told so that it helps.

import { UsageError } from '../base/errors';

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
