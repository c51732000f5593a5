// referent inspect: what a manager holds, and for whom, as tables or as JSON.

import { type Snapshot } from '../host/control';
import { ACCESS_NOTES } from './access';
import { command } from './command';
import { print } from './output';
import { tableOf } from './table';
import { VISIT, visit } from './visit';

export const inspect = command({
  name: 'inspect',
  argument: 'ADDRESS',
  summary: 'Shows what a manager holds, and for whom.',
  flags: {
    json: { type: 'boolean', help: 'the whole picture, as manager.inspect() gives it' },
    ...VISIT,
  },
  notes: `  One of the sessions is its own.\n\n${ACCESS_NOTES}`,
  run: async (values, address) => {
    await visit(address, values, async (manager) => {
      const snapshot = await manager.inspect();
      const json = (): string => `${JSON.stringify(snapshot, undefined, 2)}\n`;
      await print(values.json === true ? json() : textOf(snapshot));
    });
  },
});

function textOf({ sessions, objects, calls }: Snapshot): string {
  const { total, running } = calls;
  const totals = `sessions ${sessions.length}, objects ${objects.length}, calls ${total}, running ${running}`;
  const tables = [sessionsOf(sessions), objectsOf(objects)].filter((table) => table !== '');
  return `${[totals, ...tables].join('\n\n')}\n`;
}

function sessionsOf(sessions: Snapshot['sessions']): string {
  return tableOf(
    ['SESSION', 'REFERENCES', 'RUNNING', 'LOCKS', 'PEER'],
    sessions.map(({ id, references, pendingCalls, locks, peer }) => {
      return [id, references, pendingCalls, locks, peer];
    }),
  );
}

function objectsOf(objects: Snapshot['objects']): string {
  return tableOf(
    ['OBJECT', 'TYPE', 'SESSIONS', 'TICKETS', 'NAMES', 'VALUE'],
    objects.map(({ id, typeid, sessions, tickets, names, text }) => {
      return [id, typeid, sessions, tickets, names, text];
    }),
  );
}
