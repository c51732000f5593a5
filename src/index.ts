import { registerStandardProxies } from './types/standard-types';

export { Manager } from './manager';
export { type ConnectOptions, type ManagerOptions, type Registration } from './manager-options';
export { type ManagerNames } from './manager-names';
export { Server } from './server';
export { sync, type SyncManager } from './sync';
export { type Sync, type SyncLockHandle, type SyncRemote } from './sync-types';
export { version } from './version';
export { withOptions } from './with-options';
export { type Limits } from './base/limits';
export { type Snapshot } from './host/control';
export { forwardConsole, type ForwardConsoleOptions } from './log/console';
export { logExceptions } from './log/exceptions';
export { getLoggerAddress, setLoggerAddress } from './log/logger-address';
export { logDestination, toLogger, type LogDestination } from './log/loggers';
export {
  getHostName,
  getProcessName,
  getThreadName,
  setHostName,
  setProcessName,
  setThreadName,
} from './log/names';
export { type LogRecord } from './log/record';
export { type LogRoute } from './log/route';
export { LogSender, type LogSenderOptions } from './log/sender';
export { LogServer, startLogServer, type LogServerOptions } from './log/server';
export { type ModuleRef } from './process/modules';
export { type TlsOptions } from './transport/tls-options';
export { expose, type ExposeOptions, type Exposed } from './expose/expose';
export { ready, type ReadyOptions } from './expose/ready';
export { BaseProxy } from './proxy/base-proxy';
export {
  isProxy,
  oneway,
  registerProxyType,
  release,
  revive,
  sameReferent,
  tokenOf,
  type TokenOptions,
} from './proxy/functions';
export { handle, type Handle } from './proxy/handle';
export { LockHandle, type Abandoned } from './proxy/lock-handle';
export { IteratorProxy } from './proxy/iterator-proxy';
export { type CallOptions, type SerializerName, type WaitOptions } from './proxy/options';
export {
  type Copied,
  type Landed,
  type Loose,
  type Remote,
  type RemoteResult,
} from './proxy/remote-types';
export { type NameOptions } from './session/naming';
export { currentSignal } from './session/current-call';
export { Except } from './spawn/except';
export { spawn } from './spawn/spawn';
export { type Spawned } from './spawn/spawned';
export { type JoinOptions, type SpawnOptions } from './spawn/spawn-options';
export { LocalExcept, type ExceptOptions } from './spawn/local-except';
export { BarrierProxy, type BarrierOptions } from './types/barrier';
export { type AsyncResult } from './types/async-result';
export { type IterationOptions } from './types/chunks';
export { ArrayProxy } from './types/array';
export { type Cell, type Typecode } from './types/cells';
export { DictProxy } from './types/dict';
export { EventProxy } from './types/event';
export { type Key } from './types/keys';
export { ListProxy } from './types/list';
export { NamespaceProxy } from './types/namespace';
export { QueueProxy, TakenItem } from './types/queue';
export { SetProxy } from './types/set';
export { ValueProxy } from './types/value';
export { view } from './types/view';
export { type BlockingOptions } from './types/waiting-proxy';
export { type AcquireOptions } from './types/acquirable';
export { ConditionProxy } from './types/condition';
export { LockProxy } from './types/lock';
export { type LockOptions } from './types/lockable';
export { SemaphoreProxy } from './types/semaphore';
export {
  PoolProxy,
  type ChunkOptions,
  type MapOptions,
  type PoolAsyncOptions,
  type PoolOptions,
} from './types/pool';
export { registerError } from './wire/error-values';
export { registerSerializer, type Serializer } from './wire/serializers';
export { registerValueType, type ValueTypeCodec } from './wire/value-types';
export {
  AuthenticationError,
  ConnectionLostError,
  BrokenBarrierError,
  FenceError,
  LimitError,
  LockError,
  ManagerDiedError,
  MethodNotExposedError,
  NotListeningError,
  NotOwnerError,
  ObjectGoneError,
  ProcessDiedError,
  ProtocolError,
  QueueEmptyError,
  QueueFullError,
  QueueShutdownError,
  ReferentError,
  RemoteError,
  SerializationError,
  StaleManagerError,
  TicketGoneError,
  TimeoutError,
  UsageError,
} from './base/errors';

// A process that only calls `revive` makes no manager: its proxies have their classes all the same.
registerStandardProxies();
