"""Python's multiprocessing.Manager, used as its documentation shows it. Sizes come as JSON in argv[1].

Times are microseconds per operation. A ListProxy has no __iter__, so that `for` asks for one item per call; each call
is answered before the next, as there is no way to pipeline. `del` gives a reference back by a call that is waited for.
Iterating takes so long that each sample is one iteration, of three at most; nothing here needs to be warmed up for more.
`start` uses the default start method of this Python, which is given in the report; `startSpawned` a new interpreter.
"""

import json
import multiprocessing
import platform
import statistics
import sys
import time

from measure import ANSWER, per_operation


def sequential(sizes, call):
    assert call() == ANSWER

    def body(calls):
        for _ in range(calls):
            call()

    return per_operation(sizes["samples"], sizes["warmUpCalls"], sizes["calls"], body)


def iterate(sizes, items):
    def body(times):
        for _ in range(times):
            total = 0
            for item in items:
                total += item
            assert total == sizes["items"] * (sizes["items"] - 1) // 2

    return per_operation(min(sizes["samples"], 3), 1, 1, body)


def copy(sizes, items):
    def body(times):
        for _ in range(times):
            assert len(items[:]) == sizes["items"]

    return per_operation(sizes["samples"], sizes["warmUpCopies"], sizes["copies"], body)


def create_and_release(sizes, manager):
    def body(objects):
        for _ in range(objects):
            shared = manager.list()
            del shared

    return per_operation(sizes["samples"], 20, sizes["confirmedObjects"], body)


def buffer(sizes, entries):
    data = bytes([7]) * sizes["bytes"]

    def body(times):
        for _ in range(times):
            entries["buffer"] = data
            assert len(entries["buffer"]) == sizes["bytes"]

    return per_operation(sizes["samples"], sizes["warmUpBuffers"], sizes["buffers"], body)


def start(times, context):
    """From Manager() to the first answer; the shutdown is not counted."""
    taken = []
    for _ in range(times + 1):
        begin = time.perf_counter()
        with context.Manager() as manager:
            shared = manager.list([ANSWER])
            assert shared[0] == ANSWER
            taken.append((time.perf_counter() - begin) * 1e6)
    return statistics.median(taken[1:])


def main():
    sizes = json.loads(sys.argv[1])
    measures = {
        "start": start(sizes["starts"], multiprocessing),
        "startSpawned": start(1, multiprocessing.get_context("spawn")),
    }
    with multiprocessing.Manager() as manager:
        entries = manager.dict({"key": ANSWER})
        first = manager.list([ANSWER])
        numbers = manager.list(range(sizes["items"]))
        measures["dictGet"] = sequential(sizes, lambda: entries.get("key"))
        measures["syncGet"] = measures["dictGet"]  # every call here blocks
        measures["syncGetByThread"] = measures["dictGet"]
        measures["listAt"] = sequential(sizes, lambda: first[0])
        measures["iterate"] = iterate(sizes, numbers)
        measures["copy"] = copy(sizes, numbers)
        measures["createRelease"] = create_and_release(sizes, manager)
        measures["createReleaseConfirmed"] = measures["createRelease"]
        measures["buffer"] = buffer(sizes, entries)
    method = multiprocessing.get_start_method()
    version = f"{platform.python_version()} (start method {method})"
    print(json.dumps({"measures": measures, "versions": {"python": version}}))


if __name__ == "__main__":
    main()
