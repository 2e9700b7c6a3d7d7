"""Settings from a file: one frozen model per table, and errors that say where in the file and what was meant.

This module is not re-exported by ``biolab.core``: it needs pydantic, which the kernels do without.
"""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError
from pydantic_core import ErrorDetails

from .errors import ConfigError
from .suggestions import did_you_mean

SettingsType = TypeVar("SettingsType", bound=BaseModel)
Location = tuple[str | int, ...]


class Settings(BaseModel):
    """What every settings table is: frozen, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def parse_settings(model_type: type[SettingsType], content: Mapping[str, object], *, source: str) -> SettingsType:
    """Read the content of a file into a settings model.

    >>> class Grid(Settings):
    ...     horizons_months: tuple[float, ...]
    >>> parse_settings(Grid, {"horizons_months": [12, 60]}, source="protocol.toml")
    Grid(horizons_months=(12.0, 60.0))
    >>> parse_settings(Grid, {"horizon_months": [12]}, source="protocol.toml")
    Traceback (most recent call last):
    ...
    biolab.core.errors.ConfigError: protocol.toml has 2 faults:
    - horizons_months is missing.
    - horizon_months is not a known key. Did you mean 'horizons_months'?

    Raises
    ------
    ConfigError
        Names the source, the path of every faulty key in it, the value, what was expected, and for an unknown key
        the nearest known one.
    """
    try:
        return model_type.model_validate(content)
    except ValidationError as error:
        faults = list(dict.fromkeys(_say(model_type, content, fault) for fault in error.errors(include_url=False)))
    if len(faults) == 1:
        raise ConfigError(f"{source}: {faults[0]}")
    raise ConfigError("\n- ".join([f"{source} has {len(faults)} faults:", *faults]))


def _say(model_type: type[BaseModel], content: object, fault: ErrorDetails) -> str:
    path = _path(fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = sorted(_keys_at(model_type, fault["loc"][:-1]))
        return f"{path} is not a known key. {did_you_mean(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"{path} is missing."
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if fault["type"] in {"value_error", "assertion_error"}:
        return f"{path}: {message}" if path else message
    return f"{path} is {_short(fault['input'])}; expected {message}."


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _path(location: Location) -> str:
    """Write a location as in TOML; entries of a list are counted from 1, as a reader does."""
    text = ""
    for part in location:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _keys_at(annotation: Any, location: Location) -> Iterator[str]:
    """Yield the keys known where an unknown one was found, by walking the types along the location."""
    if get_origin(annotation) is Annotated:
        yield from _keys_at(get_args(annotation)[0], location)
    elif get_origin(annotation) in {Union, UnionType}:
        for member in get_args(annotation):
            yield from _keys_at(member, location)
    elif isinstance(annotation, type) and issubclass(annotation, RootModel):
        yield from _keys_at(annotation.model_fields["root"].annotation, location)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not location:
            yield from (field.alias or name for name, field in annotation.model_fields.items())
        for name, field in annotation.model_fields.items():
            if location and location[0] in {name, field.alias}:
                yield from _keys_at(field.annotation, location[1:])
    elif location and get_args(annotation):
        yield from _keys_at(
            next(a for a in reversed(get_args(annotation)) if a is not Ellipsis),
            location[1:],
        )
