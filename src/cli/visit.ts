// A visit to a manager that runs: one session, for as long as one command takes.

import { TimeoutError } from '../base/errors';
import { Manager } from '../manager';
import { type ConnectOptions } from '../manager-options';
import { parseAddress } from '../transport/address';
import { ACCESS, accessTo } from './access';
import { type Flags, type Values, numberOf } from './command';

export const VISIT = {
  ...ACCESS,
  'tls-servername': {
    type: 'string',
    value: 'NAME',
    help: 'the name in the certificate, where the address has another',
  },
  'timeout-ms': {
    type: 'string',
    value: 'N',
    help: 'how long to wait for an answer; default 5000',
  },
} as const satisfies Flags;

/** Rejects with `TimeoutError` where `work` takes longer than `--timeout-ms`, and `extraMs` more. */
export async function visit(
  address: string,
  values: Values<typeof VISIT>,
  work: (manager: Manager, options: ConnectOptions) => Promise<void>,
  extraMs = 0,
): Promise<void> {
  const timeoutMs = numberOf('timeout-ms', values['timeout-ms'], 5000) + extraMs;
  const options = connecting(address, values);
  await using manager = Manager.connect(address, options);
  await within(timeoutMs, address, work(manager, options));
}

function connecting(address: string, values: Values<typeof VISIT>): ConnectOptions {
  parseAddress(address); // before a key is asked for
  const { tls, ...access } = accessTo(address, values);
  const servername = values['tls-servername'];
  const hasTls = tls !== undefined || servername !== undefined;
  return { ...access, ...(hasTls ? { tls: { ...tls, servername } } : {}), retries: 0 };
}

/** A process that was stopped, or computes, takes connections and says nothing. */
async function within(timeoutMs: number, address: string, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const text = `No answer from ${address} within ${String(timeoutMs)} ms`;
    timer = setTimeout(() => {
      reject(new TimeoutError(text));
    }, timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
