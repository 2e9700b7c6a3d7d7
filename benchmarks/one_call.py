"""What a process that times one tool's call tells: a line of JSON with seconds, memory and a number to compare by."""

import json
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

from surroundings import peak_mib


def timed(run: Callable[[], object], repeats: int) -> tuple[object, list[float]]:
    """Time a call that often after one that is not counted; one that takes over 10 s only once."""
    start = time.perf_counter()
    result = run()
    first = time.perf_counter() - start
    if first > 10:
        return result, [first]
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return result, seconds


def tell(
    tool: str, run: Callable[[], object], repeats: int, number: Callable[[object], float], *, packed_bytes: int = 0
) -> None:
    """Time a call and print what is known of it; ``packed_bytes`` is how many of packed genotypes it goes through."""
    before = peak_mib()
    result, seconds = timed(run, repeats)
    after = peak_mib()
    median = statistics.median(seconds)
    row = {
        "version": "working tree" if tool == "biolab" else version(tool),
        "best_s": min(seconds),
        "median_s": median,
        "repeats": len(seconds),
        "peak_memory_mb": after,
        "memory_added_mb": after - before,
        "result": number(result),
    }
    print(json.dumps(row | ({"packed_gb_per_s": packed_bytes / 1e9 / median} if packed_bytes else {})))
