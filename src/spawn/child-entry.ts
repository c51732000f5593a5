// What a child runs, a process or a thread: it takes its seat by giving a desk, stays until the
// parent has what it wanted, and then ends as any program does: when it has nothing left to do.

import { type MessagePort, isMainThread, parentPort } from 'node:worker_threads';
import { adoptLog, logsHaveLeft } from '../log/child-log';
import { setThreadName } from '../log/names';
import { loadExport } from '../process/modules';
import { release, revive } from '../proxy/functions';
import { realm } from '../proxy/realm';
import { registerStandardProxies } from '../types/standard-types';
import { packValue } from '../wire/values';
import { TaskDesk } from './desk';
import { whileLoading } from './loading';
import { endWithParent } from './orphan';
import { type ChildConfig, type ChildMessage } from './vessel';

type TakeSeat = ((desk: TaskDesk) => Promise<void>) & object;

async function begin({ kin, seat, memories }: ChildConfig, leave: () => void): Promise<void> {
  const desk = new TaskDesk({
    load: (module) => whileLoading(() => loadExport(module)),
    memories,
    onFailed: () => {
      process.exitCode ??= 1;
    },
    onLeave: leave,
  });
  realm.kin.learn(kin);
  const takeSeat = revive(seat) as TakeSeat;
  await takeSeat(desk);
  release(takeSeat);
}

function tell(message: ChildMessage): void {
  if (process.connected) process.send?.(message, () => undefined); // the parent may be gone
}

function beginProcess(config: ChildConfig): void {
  adoptLog(config.log, config.name);
  process.channel?.ref(); // until the parent has what it wanted
  void begin(config, () => {
    process.channel?.unref();
  });
}

function beginThread(port: MessagePort): void {
  // That it listens keeps the thread alive until the parent has what it wanted.
  port.on('message', (config: ChildConfig) => {
    adoptLog(config.log, config.processName);
    setThreadName(config.name);
    void begin(config, () => {
      port.unref();
    });
  });
  port.postMessage({ kind: 'hello' } satisfies ChildMessage);
}

registerStandardProxies();
process.once('beforeExit', () => void logsHaveLeft());
if (isMainThread) {
  process.once('message', beginProcess);
  process.once('disconnect', () => process.exit(0));
  process.on('uncaughtExceptionMonitor', (error) => {
    tell({ kind: 'uncaught', error: packValue(error) });
  });
  endWithParent();
  tell({ kind: 'hello' });
} else if (parentPort !== null) {
  beginThread(parentPort);
}
