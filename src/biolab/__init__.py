"""biolab: a bio-data research workbench.

Subpackages load when first used, so that ``import biolab`` stays fast and loads neither torch nor mlflow.

>>> import biolab as bl
>>> bl.__version__.count(".")
2
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

_ROOMS = (
    "bioprocess", "cli", "core", "course", "data",
    "genotypes", "joint", "kernels", "reports", "sequences", "stats", "survival", "tracking",
)  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return import_module(f"biolab.{name}")
    raise AttributeError(f"biolab has no room {name!r}; it has {', '.join(_ROOMS)}")


def __dir__() -> list[str]:
    return [*_ROOMS, "__version__"]
