"""A lock of Python's multiprocessing.Manager that nobody else wants: `with lock:`, two calls.

It stands beside every face of a lock of referent, for Python has only this one.
"""

import multiprocessing

from measure import per_operation, run_peer


def measure(sizes):
    with multiprocessing.Manager() as manager:
        lock = manager.Lock()
        with lock:
            assert not lock.acquire(False)

        def body(calls):
            for _ in range(calls):
                with lock:
                    pass

        taken = per_operation(sizes["samples"], sizes["warmUpCalls"], sizes["calls"], body)
        assert lock.acquire(False)
    return {"lock": taken, "lockUse": taken, "lockSync": taken}


if __name__ == "__main__":
    run_peer(measure)
