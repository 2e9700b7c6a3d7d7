"""Work memory that outlives a call: to get it from the system anew can cost more than the work itself."""

from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float

# Arrays kept for the next caller, and the most numbers (256 MiB) that one may have and be kept.
KEPT, LARGEST_KEPT = 2, 1 << 25

_idle: list[ndarray] = []


@contextmanager
def work_memory(size: int) -> Generator[Float[ndarray, " size"]]:
    """Lend that many numbers of any content; until they are given back nobody else has them.

    >>> with work_memory(3) as numbers:
    ...     numbers.shape
    (3,)
    """
    try:
        held = _idle.pop()
    except IndexError:
        held = np.empty(0)
    if held.size < size:
        held = np.empty(size)
    try:
        yield held[:size]
    finally:
        if len(_idle) < KEPT and held.size <= LARGEST_KEPT:
            _idle.append(held)
