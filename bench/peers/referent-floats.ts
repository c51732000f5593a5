// Many floats at once: a shared array of them, filled from a typed array and copied, and a list of them in a dict.
import { expectEqual, perOperation, runPeer } from '../measure';
import { loadReferent } from './library';

runPeer(async (sizes) => {
  const { Manager } = loadReferent();
  await using manager = new Manager();
  const numbers = Array.from({ length: sizes.floats }, (_, index) => index + 0.5);
  const cells = Float64Array.from(numbers);
  const array = manager.array('d', sizes.floats);
  const dict = manager.dict<number[]>({});
  const taken = (step: () => Promise<void>): Promise<number> =>
    perOperation(sizes.samples, [sizes.warmUpFloats, sizes.floatCopies], async (times) => {
      for (let done = 0; done < times; done += 1) await step();
    });
  const expectAll = (copy: ArrayLike<number | bigint> | undefined): void => {
    expectEqual(copy?.length, sizes.floats, 'the number of floats');
    expectEqual(copy?.[sizes.floats - 1], numbers.at(-1), 'the last float');
  };
  return {
    measures: {
      arraySet: await taken(() => array.setSlice(0, cells)),
      arrayGet: await taken(async () => {
        expectAll(await array.slice());
      }),
      listSet: await taken(() => dict.set('numbers', numbers)),
      listGet: await taken(async () => {
        expectAll(await dict.get('numbers'));
      }),
    },
  };
});
