// What the package gives its users: these names and no others.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as referent from '../src/index';

it('exports these names', () => {
  expect(Object.keys(referent).sort()).toEqual([
    'ArrayProxy',
    'AuthenticationError',
    'BarrierProxy',
    'BaseProxy',
    'BrokenBarrierError',
    'ConditionProxy',
    'ConnectionLostError',
    'DictProxy',
    'EventProxy',
    'Except',
    'FenceError',
    'IteratorProxy',
    'LimitError',
    'ListProxy',
    'LocalExcept',
    'LockError',
    'LockHandle',
    'LockProxy',
    'Manager',
    'ManagerDiedError',
    'MethodNotExposedError',
    'NamespaceProxy',
    'NotOwnerError',
    'ObjectGoneError',
    'PoolProxy',
    'ProcessDiedError',
    'ProtocolError',
    'QueueEmptyError',
    'QueueFullError',
    'QueueProxy',
    'QueueShutdownError',
    'ReferentError',
    'RemoteError',
    'SemaphoreProxy',
    'SerializationError',
    'Server',
    'SetProxy',
    'StaleManagerError',
    'TakenItem',
    'TicketGoneError',
    'TimeoutError',
    'UsageError',
    'ValueProxy',
    'currentSignal',
    'handle',
    'isProxy',
    'oneway',
    'registerProxyType',
    'release',
    'revive',
    'sameReferent',
    'spawn',
    'sync',
    'tokenOf',
    'version',
    'view',
    'withOptions',
  ]);
});

it('names the version of package.json', () => {
  const text = readFileSync(join(__dirname, '../package.json'), 'utf8');
  expect(referent.version).toBe((JSON.parse(text) as { version: string }).version);
});
