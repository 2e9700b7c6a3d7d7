"""The words of a report in the language of its reader."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

from biolab.core import ConfigError, did_you_mean

from .particles import Word

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Prose:
    """All sentences of one language, called by dotted key.

    >>> prose("en")("time.month_many", {"n": 60})
    '60 months'
    """

    language: Language
    entries: Mapping[str, str]

    def __call__(self, key: str, values: Mapping[str, object] = _NOTHING) -> str:
        """Return the sentence of a key with its values set in.

        Raises
        ------
        KeyError
            If the language has no such key, or a value that the sentence names is not given.
        """
        if key not in self.entries:
            raise KeyError(f"text/{self.language}.toml has no {key!r}. {did_you_mean(key, self.entries)}")
        words = {name: Word(value) if isinstance(value, str) else value for name, value in values.items()}
        return self.entries[key].format_map(words)

    def has(self, key: str) -> bool:
        """Say whether the language has a sentence under this key."""
        return key in self.entries

    def pick(self, words: Mapping[str, object], field: str = "") -> str:
        """Pick this language's entry of ``{"en": ..., "ko": ...}`` or, with a field, of ``label_en`` / ``label_ko``.

        A label that the language lacks is read from the other one rather than left out.
        """
        languages = (self.language, *(other for other in LANGUAGES if other != self.language))
        found = (words.get(f"{field}_{language}" if field else language) for language in languages)
        return next((str(word) for word in found if word), "")

    def duration(self, length: float, unit: str) -> str:
        """Say a length of time: 60 months, 60개월."""
        key = f"time.{unit}_one" if length == 1 else f"time.{unit}_many"
        return self(key, {"n": f"{length:g}"}) if self.has(key) else f"{length:g} {unit}"

    def word(self, table: str, name: str) -> str:
        """Return what a table of the text calls a name; one not known there goes by itself."""
        key = f"{table}.{name}"
        return self(key) if self.has(key) else name

    def unit(self, name: str) -> str:
        """Name a unit as it stands after a comma: months, 개월."""
        return self.word("unit", name)

    def time_axis(self, unit: str) -> str:
        """Name a time axis in a unit."""
        return self(f"time.{unit}_axis") if self.has(f"time.{unit}_axis") else unit


@lru_cache
def prose(language: str) -> Prose:
    """Read the sentences of a language.

    Raises
    ------
    ConfigError
        If biolab does not write in that language.
    """
    for known in LANGUAGES:
        if language == known:
            text = resources.files("biolab.reports").joinpath("text", f"{known}.toml").read_text(encoding="utf-8")
            return Prose(language=known, entries=MappingProxyType(_flatten(tomllib.loads(text))))
    raise ConfigError(f"Reports are not written in {language!r}. {did_you_mean(language, LANGUAGES)}")


def _flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    entries: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            entries |= _flatten(value, f"{prefix}{key}.")
        else:
            entries[prefix + key] = str(value)
    return entries
