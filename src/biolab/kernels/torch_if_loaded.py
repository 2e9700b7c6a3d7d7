"""torch where it is loaded already: what takes arrays only does not wait seconds for it."""

import os
import sys
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from torch import Tensor


def is_tensor(values: Any) -> TypeGuard["Tensor"]:
    """Return whether these are a tensor of torch; nobody holds one who has not loaded it."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def thread_count() -> int:
    """Return how many threads work: as torch was told, or by ``OMP_NUM_THREADS``, or one a processor."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return torch.get_num_threads()
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdigit() and int(told) else os.cpu_count() or 1
