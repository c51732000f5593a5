// The thread behind a `ThreadPipe`: it has the socket, and passes chunks on.

import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { messageOf } from '../base/errors';
import { connect } from './connect';
import { type Link } from './link';
import { asBuffers } from './tls-options';
import { SENT, type ThreadData, type ThreadMessage, WRITTEN } from './thread-pipe';

const { address, connecting, isPatient, port, counts } = workerData as ThreadData;
const options = { trusting: connecting.trusting, tls: connecting.tls && asBuffers(connecting.tls) };
/** Between a socket's birth and its first ear lies a moment. */
const RETRY_MS = 20;

let isClosed = false;
port.on('close', () => {
  isClosed = true;
});

function advance(count: number): void {
  Atomics.add(counts, count, 1);
  Atomics.notify(counts, count);
}

function tell(message: ThreadMessage): void {
  port.postMessage(message);
  advance(SENT);
}

async function connectAtLast(): Promise<Link> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect(address, options);
    } catch (error) {
      if (isClosed || (attempt > 1 && !isPatient)) throw error;
      await sleep(RETRY_MS);
    }
  }
}

connectAtLast().then(
  (link) => {
    const channelBinding = link.network?.channelBinding;
    if (channelBinding !== undefined) tell({ channelBinding });
    link.listen({
      data: tell,
      drain: () => undefined,
      close: (error) => {
        tell(error?.message ?? 'The other side has closed');
      },
    });
    port.on('message', (bytes: Uint8Array) => {
      link.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      advance(WRITTEN);
    });
    port.on('close', () => {
      link.end();
    });
    if (isClosed) link.destroy();
  },
  (error: unknown) => {
    tell(messageOf(error));
  },
);
