"""What differs between two JSON-able objects, as dotted paths with the old and the new value."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A path whose value differs; ``None`` where it is missing on one side."""

    path: str
    old: object
    new: object


def flat(old: object, new: object, path: str = "") -> tuple[Difference, ...]:
    """Name the paths at which two objects differ, deepest first reached; lists of named tables go by their names.

    >>> flat({"endpoint": {"tau": 60.0}}, {"endpoint": {"tau": 48.0}, "seed": 1})
    (Difference(path='endpoint.tau', old=60.0, new=48.0), Difference(path='seed', old=None, new=1))
    """
    left, right = _table(old), _table(new)
    if left is None or right is None:
        return () if _same(old, new) else (Difference(path=path, old=old, new=new),)
    found: list[Difference] = []
    for key in [*left, *(key for key in right if key not in left)]:
        inner = f"{path}.{key}" if path else key
        found.extend(flat(left.get(key), right.get(key), inner))
    return tuple(found)


def _table(value: object) -> dict[str, object] | None:
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    if (
        isinstance(value, list | tuple)
        and value
        and all(isinstance(each, Mapping) and "name" in each for each in value)
    ):
        named = {str(each["name"]): each for each in value}
        return named if len(named) == len(value) else None
    return None


def _same(old: object, new: object) -> bool:
    """Compare values; ``True`` is not 1 here, though Python thinks so."""
    return old == new and isinstance(old, bool) == isinstance(new, bool)
