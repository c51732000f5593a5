"""Two processes that pass an item, or a signal, to and fro by means of one multiprocessing.Manager.

A queue for each direction, `put` and `get`; an event for each direction, `set`, `wait` and `clear`. The time is that of
one direction. `None` in the queue ends the partner; the other one ends with the process.
"""

import multiprocessing

from measure import per_operation, run_peer


def return_items(there, back):
    while (item := there.get()) is not None:
        back.put(item)


def return_signals(there, back):
    while there.wait():
        there.clear()
        back.set()


def hand_over(sizes, manager):
    there, back = manager.Queue(), manager.Queue()
    partner = multiprocessing.Process(target=return_items, args=(there, back))
    partner.start()

    def body(trips):
        for item in range(trips):
            there.put(item)
            assert back.get() == item

    trip = per_operation(sizes["samples"], sizes["warmUpTrips"], sizes["trips"], body)
    there.put(None)
    partner.join()
    return trip / 2


def wake(sizes, manager):
    there, back = manager.Event(), manager.Event()
    partner = multiprocessing.Process(target=return_signals, args=(there, back), daemon=True)
    partner.start()

    def body(trips):
        for _ in range(trips):
            there.set()
            assert back.wait()
            back.clear()

    trip = per_operation(sizes["samples"], sizes["warmUpTrips"], sizes["trips"], body)
    partner.terminate()
    partner.join()
    return trip / 2


def measure(sizes):
    with multiprocessing.Manager() as manager:
        handed, woken = hand_over(sizes, manager), wake(sizes, manager)
    return {"handOver": handed, "handOverSync": handed, "wake": woken, "wakeSync": woken}


if __name__ == "__main__":
    run_peer(measure)
