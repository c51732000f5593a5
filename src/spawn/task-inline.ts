// A task that runs in this very thread, with the face of one that does not: for tests, for a
// debugger, and where a process would cost more than the task. Nothing can end it but itself.

import { deferred } from '../base/deferred';
import { ConnectionLostError } from '../base/errors';
import { loadExport } from '../process/modules';
import { type Desk, type Outcome, TaskDesk } from './desk';
import { ownCopy } from './parcel';
import { type End, type Vessel } from './vessel';

export class TaskInline implements Vessel {
  readonly pid = process.pid;
  readonly #ended = deferred<End>();
  readonly #given = deferred<never>();
  readonly #desk: TaskDesk;
  #code = 0;

  constructor() {
    this.#given.promise.catch(() => undefined); // told to whoever waits for the desk
    this.#desk = new TaskDesk({
      load: loadExport,
      memories: [],
      onFailed: () => {
        this.#code = 1;
      },
      onLeave: () => {
        this.#ended.resolve({ code: this.#code, signal: null });
      },
    });
  }

  get ended(): Promise<End> {
    return this.#ended.promise;
  }

  /** As a child's, in a turn of its own. */
  get desk(): Desk {
    const desk = this.#desk;
    const step = async (body: () => Promise<Outcome>): Promise<Outcome> => {
      await Promise.resolve();
      const outcome = await Promise.race([body(), this.#given.promise]);
      return 'value' in outcome ? { ...outcome, value: ownCopy(outcome.value) } : outcome;
    };
    return {
      run: (order) => step(() => desk.run(order)),
      step: () => step(() => desk.step()),
      close: () => step(() => desk.close()),
      abort: (reason) => desk.abort(reason),
      leave: () => desk.leave(),
    };
  }

  /** Nobody waits for it any more; what it does not give up by itself goes on. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    const reason = new ConnectionLostError('The task was given up');
    void this.#desk.abort(reason);
    this.#given.reject(reason);
    this.#ended.resolve({ code: null, signal });
  }

  keepAlive(): void {
    // whatever it waits for does
  }
}
