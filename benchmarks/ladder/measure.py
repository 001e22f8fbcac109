"""Time the steps beside NumPy and the shipped kernel; print JSON. Started by __main__.py, in a
process of its own for each number of threads, because NumPy's is fixed when it is loaded.
"""

import json
import sys
import time

import numpy as np

from benchmarks.ladder import STEPS
from benchmarks.ladder.build import load

ROUNDS = 15
BURST = 0.003  # seconds of calls without a break
SLOW = 0.1  # seconds from which a call is made three times in all
TOO_SLOW = 1.0  # seconds from which it is not made at all


def check(matmul, m, k, n):
    """Hold a step against the product in double precision; the bound is that of any summation.

    |C - AB| ≤ k u |A| |B| with u = 2⁻²⁴ (Higham, "Accuracy and Stability", 3.5).
    """
    chance = np.random.default_rng(m + 10 * k + 100 * n)
    a = chance.standard_normal((m, k)).astype(np.float32)
    b = chance.standard_normal((k, n)).astype(np.float32)
    c = np.full((m, n), np.nan, np.float32)
    matmul(a, b, c)
    error = np.abs(c - a.astype(float) @ b.astype(float))
    bound = max(k, 1) * 2.0**-24 * (np.abs(a).astype(float) @ np.abs(b)) * 1.01
    if not (error <= bound).all():
        raise ArithmeticError(f"({m}, {k}) @ ({k}, {n}): wrong by {error.max():.2g}")


def peak(module, chains):
    """GFLOP/s of one core that does nothing but multiply-adds, the best of some runs."""
    speeds = []
    for _ in range(30):
        start = time.perf_counter()
        operations, _ = module.run(chains, 100_000, 0.5)
        speeds.append(operations / (time.perf_counter() - start) / 1e9)
    return max(speeds)


def burst(call):
    """Seconds of a call, one after another for a while; the first is not counted if it is short.

    It finds other data in the caches, and the threads of another library still awake.
    """
    start = time.perf_counter()
    call()
    once = time.perf_counter() - start
    if once > SLOW:
        return once
    count = max(1, int(BURST / once))
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def best(calls):
    """Least seconds of each call, taken in turn so that all share the machine's moods.

    The least, because the question is what the code can do, and whatever else runs on the machine
    can only make it slower.
    """
    times = {name: burst(call) for name, call in calls.items()}
    for turn in range(1, ROUNDS):
        for name, call in calls.items():
            if times[name] < SLOW or turn < 3:
                times[name] = min(times[name], burst(call))
    return times


def run(sizes, threads, flags):
    """{column: {n: GFLOP/s}}"""
    from minigrad import kernels

    modules = load(flags)
    chosen = [name for name in STEPS if (name == "step7_threads") == (threads > 1)]
    columns = {STEPS[name]: modules[name].matmul for name in chosen}
    for step in columns.values():
        check(step, 203, 301, 99)
    columns["minigrad"] = lambda a, b, c: kernels.matmul(a, b)
    columns["NumPy"] = lambda a, b, c: np.matmul(a, b, out=c)
    result = {name: {} for name in columns}
    for n in sorted(sizes):
        a, b = np.random.default_rng(n).standard_normal((2, n, n)).astype(np.float32)
        c = np.empty((n, n), np.float32)
        operations = 2 * n**3
        calls = {}
        for name, matmul in columns.items():
            before = list(result[name].items())[-1:]  # the next smaller n tells what to expect
            if any(operations / 1e9 / speed > TOO_SLOW for _, speed in before):
                continue
            calls[name] = lambda matmul=matmul, a=a, b=b, c=c: matmul(a, b, c)
        for name, seconds in best(calls).items():
            result[name][n] = operations / seconds / 1e9
    if threads == 1:
        result["peak"] = {k: peak(modules["peak"], k) for k in (1, 2, 4, 8, 12)}
    return result


if __name__ == "__main__":
    json.dump(run(**json.loads(sys.argv[1])), sys.stdout)
