// What to do when an object was collected. Injected, so that a test can say "now".

/** `held` is what `onCollected` gets when the object was collected; one registry for many objects. */
export interface Collector<T> {
  watch(target: object, held: T): void;
  forget(target: object): void;
}

export type MakeCollector = <T>(onCollected: (held: T) => void) => Collector<T>;

/** The collector of the runtime. */
export function realCollector<T>(onCollected: (held: T) => void): Collector<T> {
  const registry = new FinalizationRegistry<T>(onCollected);
  return {
    watch: (target, held) => {
      registry.register(target, held, target);
    },
    forget: (target) => {
      registry.unregister(target);
    },
  };
}
