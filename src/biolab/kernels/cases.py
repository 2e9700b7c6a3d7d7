"""What every operation's ``cases.py`` offers: named inputs that tests and benchmarks share.

An operation's ``cases`` module has ``CASES`` (a tuple of `Case`), ``TOLERANCE``, ``INVARIANCES`` (name to a function
from arguments to arguments that must leave every output unchanged) and two functions with the same signature,
``fast(**arguments)`` and ``exact(**arguments)``, which return named output arrays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Arguments = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A named input; ``make`` builds its arguments when they are needed."""

    name: str
    make: Callable[[], Arguments]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far an output may be from the reference: ``|fast - exact| <= absolute + relative * |exact|``."""

    relative: float
    absolute: float


Invariances = Mapping[str, Callable[[Arguments], Arguments]]
