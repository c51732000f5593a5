// Processes as locks see them: what they call, give up, confirm and hold, and their end, which goes in
// the order in which a session ends.
import { Caller } from '../../src/session/caller';
import { RunningCall, runAs } from '../../src/session/current-call';
import { Delivery } from '../../src/session/delivery';

/** One call: it waits, or it has its answer, or its error. */
export class Attempt {
  readonly client: Client;
  readonly running: RunningCall;
  state: 'waiting' | 'done' | 'failed' = 'waiting';
  /** What it answers; of a delivery, what is in it. */
  value: unknown;
  error: unknown;
  /** What it was given and has not confirmed. */
  delivery: Delivery | undefined;

  constructor(client: Client, running: RunningCall) {
    this.client = client;
    this.running = running;
  }

  /** The fence of what it was granted. */
  get fence(): number {
    return (this.value as number[])[0]!;
  }

  /** The answer has come, or it has crossed the news that nobody waits for it any more. */
  confirm(received: boolean): void {
    const { delivery } = this;
    this.delivery = undefined;
    delivery?.settle(received);
  }

  done(value: unknown): void {
    this.client.attempts.delete(this);
    this.state = 'done';
    this.delivery = value instanceof Delivery ? value : undefined;
    this.value = this.delivery?.value ?? value;
    if (this.delivery !== undefined) this.client.delivered.add(this);
  }

  fail(error: unknown): void {
    this.client.attempts.delete(this);
    this.state = 'failed';
    this.error = error;
  }
}

export class Client {
  readonly name: string;
  readonly caller: Caller;
  readonly attempts = new Set<Attempt>();
  readonly delivered = new Set<Attempt>();

  constructor(name = 'client', waitersMax = 1000) {
    this.name = name;
    this.caller = new Caller(waitersMax);
  }

  call(body: () => unknown): Attempt {
    const running = new RunningCall(this.caller);
    const attempt = new Attempt(this, running);
    this.attempts.add(attempt);
    try {
      const answer = runAs(running, body);
      if (!(answer instanceof Promise)) attempt.done(answer);
      else
        answer.then(
          (value) => {
            if (!this.caller.ended) attempt.done(value);
            else if (value instanceof Delivery) value.settle(false);
          },
          (error: unknown) => attempt.fail(error),
        );
    } catch (error) {
      attempt.fail(error);
    }
    return attempt;
  }

  /** As a session does it. */
  end(): void {
    this.caller.leave();
    for (const { running } of this.attempts) running.abort(new Error(`${this.name} is gone`));
    for (const attempt of this.delivered) attempt.confirm(false);
    this.caller.loseAll();
  }
}

/** Until everything has run that is under way, without timers. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}
