"""Many floats at once: `a[:] = array('d', …)` and `a[:]` of a manager's Array; a list of them set in a dict, and got."""

import multiprocessing
from array import array

from measure import per_operation, run_peer


def measure(sizes):
    count = sizes["floats"]
    numbers = [index + 0.5 for index in range(count)]
    cells = array("d", numbers)

    def taken(step):
        def body(times):
            for _ in range(times):
                step()

        return per_operation(sizes["samples"], sizes["warmUpFloats"], sizes["floatCopies"], body)

    with multiprocessing.Manager() as manager:
        shared = manager.Array("d", bytes(8 * count))
        entries = manager.dict()

        def set_cells():
            shared[:] = cells

        def get_cells():
            copy = shared[:]
            assert len(copy) == count and copy[-1] == numbers[-1]

        def set_list():
            entries["numbers"] = numbers

        def get_list():
            copy = entries["numbers"]
            assert len(copy) == count and copy[-1] == numbers[-1]

        return {
            "arraySet": taken(set_cells),
            "arrayGet": taken(get_cells),
            "listSet": taken(set_list),
            "listGet": taken(get_list),
        }


if __name__ == "__main__":
    run_peer(measure)
