// The types that every manager shares.

import { realm } from '../proxy/realm';
import { arrayType } from './array';
import { chunksType } from './chunks';
import { conditionType } from './condition';
import { dictType } from './dict';
import { listType } from './list';
import { namespaceType } from './namespace';
import { setType } from './set';
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
  chunksType,
  lockType,
  rlockType,
  semaphoreType,
  boundedSemaphoreType,
  conditionType,
];

/** From now on proxies of these types have their classes in this process. */
export function registerStandardProxies(): void {
  for (const { typeid, proxyType } of STANDARD_TYPES) realm.registerProxyType(typeid, proxyType);
}
