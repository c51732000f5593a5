// The types that every manager shares.

import { realm } from '../proxy/realm';
import { arrayType } from './array';
import { barrierType } from './barrier';
import { asyncResultType } from './async-result';
import { chunksType } from './chunks';
import { conditionType } from './condition';
import { dictType } from './dict';
import { eventType } from './event';
import { listType } from './list';
import { namespaceType } from './namespace';
import { poolType } from './pool';
import { feedType } from './pool-feed';
import { seatType } from './pool-worker';
import { setType } from './set';
import { queueTypes } from './queue';
import { lockType } from './lock';
import { rlockType } from './rlock';
import { boundedSemaphoreType, semaphoreType } from './semaphore';
import { type SharedType } from './shared-type';
import { valueType } from './value';

export const STANDARD_TYPES: readonly SharedType[] = [
  listType,
  dictType,
  setType,
  valueType,
  arrayType,
  namespaceType,
  ...queueTypes,
  eventType,
  barrierType,
  chunksType,
  lockType,
  rlockType,
  semaphoreType,
  boundedSemaphoreType,
  conditionType,
  poolType,
  asyncResultType,
  feedType,
  seatType,
];

/** From now on proxies of these types have their classes in this process. */
export function registerStandardProxies(): void {
  for (const { typeid, proxyType } of STANDARD_TYPES) realm.registerProxyType(typeid, proxyType);
}
