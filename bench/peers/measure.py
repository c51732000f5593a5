"""What the peers in Python share: how a median is taken, and how a peer reports."""

import json
import statistics
import sys
import time

ANSWER = 12345


def per_operation(samples, warm_up, size, body):
    body(warm_up)
    times = []
    for _ in range(samples):
        start = time.perf_counter()
        body(size)
        times.append((time.perf_counter() - start) * 1e6 / size)
    return statistics.median(times)


def run_peer(measure):
    """Prints what `measure` makes of the sizes in argv[1], as one line of JSON."""
    print(json.dumps({"measures": measure(json.loads(sys.argv[1]))}))
