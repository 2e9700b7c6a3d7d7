"""How the functions of this operation are compiled."""

from typing import Any

# No array is made inside, so none is counted: counting references took longer than a step of the integrator.
COMPILED: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "_nrt": False,
}  # fmt: skip
INNER: dict[str, Any] = COMPILED | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""Called from compiled code alone: no door to Python, which takes as long to compile as a small function."""
PART: dict[str, Any] = INNER | {"inline": "always"}
"""Called from one place: compiled once, there."""
