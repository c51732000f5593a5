// What those see who look at connections, references and calls.
import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { type FrameDiagnostic } from '../../src/session/trace';
import { Manager } from '../../src/index';
import { endManager } from '../support/managers';
import type { FakeHandle } from '../support/session-pair';
import { SessionPair } from '../support/session-pair';

const NAMES = ['referent:connection', 'referent:reference', 'referent:call'] as const;

/** All that is published until the end of the test. */
function watch(...names: (typeof NAMES)[number][]): [name: string, message: FrameDiagnostic][] {
  const seen: [string, FrameDiagnostic][] = [];
  const listen = (message: unknown, name: string | symbol): void => {
    seen.push([String(name).slice('referent:'.length), message as FrameDiagnostic]);
  };
  for (const name of names) {
    subscribe(name, listen);
    stops.push(() => unsubscribe(name, listen));
  }
  return seen;
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

it('calls and references are told by name, on both sides, and never by value', async () => {
  const pair = new SessionPair();
  const id = pair.server.party.put({ take: (_secret: string) => new (class Thing {})() });
  const seen = watch(...NAMES);
  const thing = (await pair.client.call(id, 'take', ['secret'])) as FakeHandle;
  thing.lease.release();
  await pair.settle();
  expect(
    seen.map(([name, { direction, kind, text }]) => `${name} ${direction} ${kind}: ${text}`),
  ).toEqual([
    'call out call: memory:left > call 0: call take of object 1',
    'call in call: memory:right < call 0: call take of object 1',
    'call out return: memory:right > return 0',
    'reference out lend: memory:right > lend fake 2',
    'call in return: memory:left < return 0',
    'reference in lend: memory:left < lend fake 2',
    'reference out release: memory:left > release 2 x1',
    'reference in release: memory:right < release 2 x1',
  ]);
  expect(seen[0]?.[1]).toEqual({
    direction: 'out',
    peer: 'memory:left',
    kind: 'call',
    callId: 0,
    id: 1,
    member: 'take',
    text: seen[0]?.[1].text,
  });
  expect(JSON.stringify(seen)).not.toContain('secret');
  pair.close();
});

it('who listens to one channel hears no other', async () => {
  const pair = new SessionPair();
  const id = pair.server.party.put({ take: () => ({ a: class {} }) });
  const seen = watch('referent:reference');
  await pair.client.call(id, 'take').catch(() => undefined);
  pair.server.session.control({ kind: 'ping', number: 1 });
  await pair.settle();
  expect(seen.filter(([name]) => name !== 'reference')).toEqual([]);
  pair.close();
});

it('where nobody listens nothing is made', async () => {
  const pair = new SessionPair();
  const id = pair.server.party.put({ add: (a: number) => a + 1 });
  const seen = watch('referent:call');
  stops.splice(0)[0]?.();
  expect(await pair.client.call(id, 'add', [1])).toBe(2);
  expect(seen).toEqual([]);
  pair.close();
});

it('connections are told from their beginning to their end', async () => {
  const seen = watch('referent:connection');
  const manager = new Manager();
  await manager.start();
  const { address } = manager;
  await endManager(manager);
  // Whether this side still says goodbye to a manager that goes depends on who is first.
  const kinds = seen.map(([, { kind, peer }]) => [kind, peer]).filter(([kind]) => kind !== 'bye');
  expect(kinds).toEqual([
    ['connecting', address],
    ['open', address],
    ['goaway', address],
    ['closed', address],
  ]);
});

it('NODE_DEBUG=referent prints them, and values nowhere', async () => {
  const program = `
    const { Manager } = require(${JSON.stringify(join(__dirname, '../../src/index.ts'))});
    void (async () => {
      const manager = new Manager();
      const list = manager.list();
      await list.push('a secret value');
      await manager.shutdown();
    })();`;
  const printed = await new Promise<string>((resolve, reject) => {
    const args = ['-r', 'ts-node/register/transpile-only', '-e', program];
    const env = { ...process.env, NODE_DEBUG: 'referent' };
    execFile(process.execPath, args, { env }, (error, _stdout, stderr) => {
      if (error === null) resolve(stderr);
      else reject(error);
    });
  });
  expect(printed).toMatch(/^REFERENT \d+: unix:\S+ connecting$/m);
  expect(printed).toMatch(/^REFERENT \d+: unix:\S+ > create list as \+1$/m);
  expect(printed).toMatch(/^REFERENT \d+: unix:\S+ > call 0: call push of object \+1$/m);
  expect(printed).toMatch(/^REFERENT \d+: unix:\S+ < call 0: call push of object \+1$/m); // the manager's process
  expect(printed).not.toContain('secret');
});
