// Comlink over a MessageChannel to a worker thread, through its own adapter for Node. No other process is involved:
// what it passes needs no socket, only structured clone.
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { answer, expectEqual, load, pipelined, runPeer, sequential } from '../measure';

/** What is used of Comlink. */
interface Comlink {
  wrap(endpoint: unknown): Store;
  expose(value: unknown, endpoint: unknown): void;
}
interface Store {
  get(key: string): Promise<unknown>;
}

const comlink = (): Comlink => load('comlink') as Comlink;
const endpointOf = (port: MessagePort): unknown =>
  (load('comlink/dist/umd/node-adapter.js') as (port: MessagePort) => unknown)(port);

function startWorker(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  new Worker(__filename, { workerData: port2, transferList: [port2] });
  return port1;
}

if (isMainThread) {
  runPeer(async (sizes) => {
    const store = comlink().wrap(endpointOf(startWorker()));
    expectEqual(await store.get('key'), answer, 'get()');
    const call = (): Promise<unknown> => store.get('key');
    return {
      measures: {
        dictGet: await sequential(sizes, call),
        pipelined: await pipelined(sizes, call),
      },
    };
  });
} else {
  const entries = new Map([['key', answer]]);
  const store = { get: (key: string) => entries.get(key) };
  comlink().expose(store, endpointOf(workerData as MessagePort));
}
