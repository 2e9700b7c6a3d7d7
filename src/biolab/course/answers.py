"""Answers as data: what a trainee's cell defined goes to the judge as JSON, never as code or objects.

Numbers, texts, lists, mappings, arrays, data frames and recipes pass; anything else is named and left behind.
"""

import base64
import math
import tomllib
from collections.abc import Mapping
from types import EllipsisType
from typing import Any

import numpy as np
import polars as pl

from biolab.core import DataError

KIND = "$"
MOST_DEEP = 12
MOST_ITEMS = 200_000
_DTYPES = frozenset("biuf")


def encode(value: object, depth: int = 0) -> object:
    """Return a value as JSON-able data.

    >>> encode({"volume_l": 2.0, "boluses": (1, 1)})
    {'volume_l': 2.0, 'boluses': [1, 1]}

    Raises
    ------
    DataError
        If it is not of a kind that can be an answer.
    """
    if depth > MOST_DEEP:
        raise DataError(f"An answer may be {MOST_DEEP} levels deep, not more.")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str) or value is ...:
        return _encode_plain(value)
    if isinstance(value, np.ndarray | pl.Series | pl.DataFrame) or hasattr(value, "to_toml"):
        return _encode_object(value)
    if isinstance(value, list | tuple | set | frozenset | range):
        return [encode(each, depth + 1) for each in value]
    if isinstance(value, Mapping):
        return {_key(key): encode(each, depth + 1) for key, each in value.items()}
    raise DataError(
        f"An answer of type {type(value).__name__} cannot be graded; give a number, text, list, mapping, array, frame "
        "or recipe."
    )


def decode(content: object, depth: int = 0) -> Any:
    """Return the value of JSON-able data, checking everything: it may have been written by anyone.

    Raises
    ------
    DataError
        If the data describe no answer.
    """
    if depth > MOST_DEEP:
        raise DataError(f"An answer may be {MOST_DEEP} levels deep, not more.")
    if isinstance(content, list):
        if len(content) > MOST_ITEMS:
            raise DataError(f"An answer may have {MOST_ITEMS:,} items, not {len(content):,}.")
        return [decode(each, depth + 1) for each in content]
    if not isinstance(content, dict):
        return content
    kind = content.get(KIND)
    if kind is None:
        return {str(key): decode(each, depth + 1) for key, each in content.items()}
    try:
        return _decode_object(str(kind), content, depth)
    except (
        AttributeError,
        KeyError,
        TypeError,
        ValueError,
        tomllib.TOMLDecodeError,
        pl.exceptions.PolarsError,
    ) as error:
        raise DataError(f"The answer is no valid {kind}: {error}") from error


def is_unanswered(content: object) -> bool:
    """Say whether encoded data hold a place that still says ``...``.

    >>> is_unanswered(encode([1.0, ...])), is_unanswered(encode(1.0))
    (True, False)
    """
    if isinstance(content, list):
        return any(map(is_unanswered, content))
    if isinstance(content, dict):
        return content.get(KIND) == "unanswered" or any(map(is_unanswered, content.values()))
    return False


def _encode_plain(value: bool | float | str | EllipsisType | None) -> object:  # noqa: FBT001 - any plain value
    if value is ...:
        return {KIND: "unanswered"}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {KIND: "float", "value": repr(float(value))}
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _key(key: object) -> str:
    if isinstance(key, str | int | float) and not isinstance(key, bool):
        return str(key)
    raise DataError(f"A mapping's keys must be texts or numbers to be graded, not {type(key).__name__}.")


def _encode_object(value: Any) -> dict[str, object]:
    if isinstance(value, pl.DataFrame):
        return {KIND: "frame", "columns": {name: encode(value[name].to_list(), 1) for name in value.columns}}
    if isinstance(value, pl.Series):
        return {KIND: "frame", "columns": {value.name or "value": encode(value.to_list(), 1)}, "series": True}
    if hasattr(value, "to_toml"):
        return {KIND: "recipe", "toml": str(value.to_toml())}
    if value.dtype.kind not in _DTYPES:
        raise DataError(f"An array of {value.dtype} cannot be graded; give numbers.")
    data = np.ascontiguousarray(value)
    text = base64.b64encode(data.tobytes()).decode("ascii")
    return {KIND: "array", "dtype": data.dtype.str, "shape": list(data.shape), "data": text}


def _decode_object(kind: str, content: Mapping[str, Any], depth: int) -> Any:
    if kind == "unanswered":
        return ...
    if kind == "float":
        return float(str(content["value"]))
    if kind == "array":
        dtype = np.dtype(str(content["dtype"]))
        if dtype.kind not in _DTYPES:
            raise ValueError(f"arrays of {dtype}")
        return (
            np.frombuffer(base64.b64decode(content["data"]), dtype).reshape([int(n) for n in content["shape"]]).copy()
        )
    if kind == "frame":
        frame = pl.DataFrame({str(name): decode(values, depth + 1) for name, values in content["columns"].items()})
        return frame.to_series() if content.get("series") else frame
    if kind == "recipe":
        return _recipe(str(content["toml"]))
    raise ValueError("unknown kind")


def _recipe(text: str) -> Any:
    from biolab.bioprocess import Recipe
    from biolab.core.validation import parse_settings

    return parse_settings(Recipe, tomllib.loads(text), source="the recipe in the answer")
