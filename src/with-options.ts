// `withOptions`: another handle of the same thing, be it a proxy, a manager or `sync` of either.

import { Manager } from './manager';
import { managerWithOptions } from './manager-front';
import { withOptions as proxyWithOptions } from './proxy/functions';
import { type CallOptions } from './proxy/options';
import { BlockingManager, blockingWithOptions } from './sync';

/**
 * Another handle of the same referent, with these options for its calls. Of a manager: the same
 * manager, whose proxies have these options from the start. Throws `UsageError` for an unknown option.
 */
export function withOptions<T extends object>(subject: T, options: CallOptions): T {
  if (subject instanceof Manager) return managerWithOptions(subject, options) as unknown as T;
  if (subject instanceof BlockingManager)
    return blockingWithOptions(subject, options) as unknown as T;
  return proxyWithOptions(subject, options);
}
