"""Settings from a file: one frozen model per table, and errors that say where in the file and what was meant.

This module is not re-exported by ``biolab.core``: it needs pydantic, which the kernels do without.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

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
        said = (_say(model_type, content, fault) for fault in error.errors(include_url=False))
        faults = list(dict.fromkeys(line for message in said for line in message.split("\n- ")))
    if len(faults) == 1:
        raise ConfigError(f"{source}: {faults[0]}")
    raise ConfigError("\n- ".join([f"{source} has {len(faults)} faults:", *faults]))


def _say(model_type: type[BaseModel], content: object, fault: ErrorDetails) -> str:
    kind, location = fault["type"], fault["loc"]
    path = _path(location, content, missing=kind == "missing")
    if kind == "extra_forbidden":
        known = sorted(_keys_at(model_type, location[:-1]))
        return f"{path} is not a known key. {did_you_mean(str(location[-1]), known)}"
    if kind == "missing":
        return f"{path} is missing."
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _say_tag(path, fault)
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if kind in {"value_error", "assertion_error"}:
        return f"{path}: {message}" if path else message
    return f"{path} is {_short(fault['input'])}; expected {message}."


def _say_tag(path: str, fault: ErrorDetails) -> str:
    """Say which kind of table was meant where a key chooses among several."""
    context = fault.get("ctx", {})
    key = str(context.get("discriminator", "")).strip("'")
    if fault["type"] == "union_tag_not_found":
        return f"{path}.{key} is missing."
    known = [word.strip("' ") for word in str(context.get("expected_tags", "")).split(",")]
    tag = str(context.get("tag", ""))
    return f"{path}.{key} is {tag!r}, which is not known. {did_you_mean(tag, known)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _path(location: Location, content: object = None, *, missing: bool = False) -> str:
    """Write a location as in TOML; entries of a list are counted from 1, as a reader does, and named if they can.

    Where a key chooses among several kinds of table, pydantic's location also holds that key's value; a reader's
    doesn't.
    """
    text, here = "", content
    for number, part in enumerate(location):
        last = number == len(location) - 1
        if isinstance(here, Mapping) and part not in here and part in here.values() and not (last and missing):
            continue
        here = _within(here, part)
        text += f"[{part + 1}]{_name_of(here)}" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _within(content: object, part: str | int) -> object:
    if isinstance(content, Mapping):
        return content.get(part)
    if isinstance(content, Sequence) and isinstance(part, int) and part < len(content):
        return content[part]
    return None


def _name_of(entry: object) -> str:
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return f" ({name[:60]})" if isinstance(name, str) else ""


def _keys_at(annotation: Any, location: Location) -> Iterator[str]:
    """Yield the keys known where an unknown one was found, by walking the types along the location."""
    if get_origin(annotation) is Annotated:
        yield from _keys_at(get_args(annotation)[0], location)
    elif get_origin(annotation) in {Union, UnionType}:
        chosen = [member for member in get_args(annotation) if location and _is_tagged(member, location[0])]
        for member in chosen or get_args(annotation):
            yield from _keys_at(member, location[1:] if chosen else location)
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


def _is_tagged(member: Any, tag: str | int) -> bool:
    """Say whether a value chooses this kind of table among several."""
    fields = member.model_fields.values() if isinstance(member, type) and issubclass(member, BaseModel) else ()
    return any(tag in get_args(field.annotation) for field in fields if get_origin(field.annotation) is Literal)
