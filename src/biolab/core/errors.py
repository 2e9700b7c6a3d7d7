"""Errors a person reads: what was wrong, which value, where, what was expected, and how to mend it."""

from typing import ClassVar


class BiolabError(Exception):
    """Something the person running biolab can act on; ``exit_code`` is what the command line returns."""

    exit_code: ClassVar[int] = 1


class FitError(BiolabError):
    """A model cannot be fitted to these data (no events, a singular or separated design)."""


class DataError(BiolabError, ValueError):
    """Data do not say what they should: names the file, row, column and value."""

    exit_code: ClassVar[int] = 3


class ConfigError(BiolabError, ValueError):
    """A protocol, mapping or option is not one biolab understands."""

    exit_code: ClassVar[int] = 3


class DisclosureError(BiolabError, ValueError):
    """Something that would leave a site says too much about single patients; never quotes it."""

    exit_code: ClassVar[int] = 3


class TrackingError(BiolabError):
    """The tracking server or store cannot be reached or written."""

    exit_code: ClassVar[int] = 4


class MissingExtraError(BiolabError, ImportError):
    """An optional dependency or a device is missing; the message names the extra that brings it."""

    exit_code: ClassVar[int] = 5
