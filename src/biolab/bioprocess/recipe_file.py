"""Recipes as TOML files: the shipped ones by name, others by path, and writing them."""

import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from biolab.core import ConfigError, did_you_mean

_INLINE = frozenset({"setpoints", "feeding", "title"})


def recipe_names() -> tuple[str, ...]:
    """Name the recipes that come with biolab.

    >>> recipe_names()
    ('cho-standard', 'cho-temperature-shift', 'ecoli-standard')
    """
    folder = resources.files("biolab.bioprocess").joinpath("recipes")
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def read_recipe_file(place: Path | str) -> tuple[dict[str, Any], str]:
    """Return the content of a recipe file and what to call it in messages.

    A plain name is that of a shipped recipe; anything with a folder or ``.toml`` in it is a path.

    Raises
    ------
    ConfigError
        If there is no such recipe or file, or it is not TOML.
    """
    name = str(place)
    if isinstance(place, str) and not name.endswith(".toml") and not {"/", "\\"} & set(name):
        names = recipe_names()
        if name not in names:
            raise ConfigError(
                f"There is no shipped recipe {name!r}. {did_you_mean(name, names)} "
                "For a file of your own give its path, ending in .toml."
            )
        entry = resources.files("biolab.bioprocess").joinpath("recipes", f"{name}.toml")
        return tomllib.loads(entry.read_text(encoding="utf-8")), f"recipe {name!r}"
    try:
        return tomllib.loads(Path(place).read_text(encoding="utf-8")), name
    except FileNotFoundError as error:
        raise ConfigError(
            f"{name} does not exist. Start from a shipped recipe: {', '.join(recipe_names())}."
        ) from error
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} is not TOML: {error}") from error


def recipe_toml(content: Mapping[str, Any]) -> str:
    """Write a recipe's plain values as TOML: keys, then tables, then lists of tables.

    >>> print(
    ...     recipe_toml({"name": "a", "vessel": {"max_volume_l": 5.0}, "phases": [{"name": "growth", "hours": 72.0}]})
    ... )
    name = "a"
    <BLANKLINE>
    [vessel]
    max_volume_l = 5.0
    <BLANKLINE>
    [[phases]]
    name = "growth"
    hours = 72.0
    <BLANKLINE>
    """
    lines = [f"{key} = {_value(value)}" for key, value in content.items() if _is_plain(key, value)]
    for key, value in content.items():
        if isinstance(value, Mapping) and key not in _INLINE:
            lines += _table(key, value)
        elif isinstance(value, list):
            for entry in value:
                lines += ["", f"[[{key}]]", *(f"{inner} = {_value(each)}" for inner, each in entry.items())]
    return "\n".join(lines) + "\n"


def _is_plain(key: str, value: object) -> bool:
    return key in _INLINE or not isinstance(value, (Mapping, list))


def _table(path: str, table: Mapping[str, Any]) -> list[str]:
    """Write a table, then the tables inside it."""
    own = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    lines = ["", f"[{path}]", *own] if own else []
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _table(f"{path}.{key}", value)
    return lines


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }" if value else "{}"
    return json.dumps(value, ensure_ascii=False)
