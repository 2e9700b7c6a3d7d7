"""Nested settings as MLflow parameters: dotted keys, text values, nothing cut in silence."""

import json
from collections.abc import Mapping

from biolab.core import ConfigError

PARAM_LIMIT = 6000


def flatten(settings: Mapping[str, object]) -> dict[str, str]:
    """Flatten nested settings to dotted keys; text stays as it is, everything else becomes JSON.

    >>> flatten({"penalty": {"ridge": 0.1}, "ties": "efron", "terms": ["age", "nodes"], "strata": None})
    {'penalty.ridge': '0.1', 'ties': 'efron', 'terms': '["age", "nodes"]', 'strata': 'null'}

    Raises
    ------
    ConfigError
        If two settings flatten to one key, as ``{"a.b": 1, "a": {"b": 2}}`` do.
    """
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            pairs = flatten({f"{key}.{inner}": each for inner, each in value.items()})
        else:
            pairs = {str(key): value if isinstance(value, str) else _json(value)}
        if twice := flat.keys() & pairs.keys():
            raise ConfigError(f"Two settings are both called {min(twice)!r} once flattened; rename one.")
        flat |= pairs
    return flat


def shorten(value: str, whole: str) -> str:
    """Cut a value to what MLflow takes, saying in it that it was cut and where the whole stands."""
    if len(value) <= PARAM_LIMIT:
        return value
    remark = f" … (cut; whole in {whole})"
    return value[: PARAM_LIMIT - len(remark)] + remark


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
