// Cap'n Web over a MessagePort to a worker thread. No other process is involved.
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  Worker,
  workerData,
} from 'node:worker_threads';
import { answer, expectEqual, load, pipelined, runPeer, sequential } from '../measure';

/** What is used of capnweb. */
interface Capnweb {
  readonly RpcTarget: new () => object;
  newMessagePortRpcSession(port: MessagePort, main?: object): Store;
}
interface Store {
  get(key: string): PromiseLike<unknown>;
}

const capnweb = (): Capnweb => load('capnweb') as Capnweb;

function startWorker(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  new Worker(__filename, { workerData: port2, transferList: [port2] });
  return port1;
}

function serve(port: MessagePort): void {
  const { RpcTarget, newMessagePortRpcSession } = capnweb();
  const entries = new Map([['key', answer]]);
  class EntryStore extends RpcTarget {
    get(key: string): number | undefined {
      return entries.get(key);
    }
  }
  newMessagePortRpcSession(port, new EntryStore());
}

if (isMainThread) {
  runPeer(async (sizes) => {
    const store = capnweb().newMessagePortRpcSession(startWorker());
    expectEqual(await store.get('key'), answer, 'get()');
    const call = (): PromiseLike<unknown> => store.get('key');
    return {
      measures: {
        dictGet: await sequential(sizes, call),
        pipelined: await pipelined(sizes, call),
      },
    };
  });
} else serve(workerData as MessagePort);
