"""Who works on a module: a pseudonym, a cohort, a language, and the seed of a plant nobody else has."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import AfterValidator

from biolab.core import ConfigError, spawn_seed
from biolab.core.validation import Settings, parse_settings

from .blocks import Language

if TYPE_CHECKING:
    from biolab.tracking import CourseTag, Store

FILE_NAME = "trainee.toml"
GRADING = "BIOLAB_COURSE_GRADING"
DEMO_COHORT, DEMO_TRAINEE = "demo", "guest"
WORD = r"[a-z0-9][a-z0-9-]{0,40}"
WORD_SAID = "a-z, 0-9 and '-', at most 41 of them and no '-' first, as in 'songdo-2027' (folders and runs are named so)"


def _word(text: str) -> str:
    if not re.fullmatch(WORD, text):
        raise ValueError(f"{text!r} cannot be a name here; expected {WORD_SAID}")
    return text


Word = Annotated[str, AfterValidator(_word)]
"""Names of cohorts and pseudonyms: they become folders, tags and experiments."""


class Card(Settings):
    """What ``trainee.toml`` beside a notebook says; it goes out with the notebook."""

    pseudonym: Word
    cohort: Word
    module: Word
    language: Language = "en"
    tracking_uri: str | None = None


def trainee_seed(cohort: str, pseudonym: str, module: str) -> int:
    """Return the seed of a trainee's plant: the same for all attempts, another one for every trainee and module.

    >>> trainee_seed("songdo-2027", "heron", "02-feeding") == trainee_seed("songdo-2027", "crane", "02-feeding")
    False
    """
    return spawn_seed(0, "course", cohort, pseudonym, module) % 2**31


class HasToml(Protocol):
    """A recipe: what can be written as TOML."""

    def to_toml(self) -> str:
        """Return it as TOML."""
        ...


@dataclass(frozen=True, kw_only=True)
class Trainee:
    """The person a notebook belongs to."""

    pseudonym: str
    cohort: str
    module: str
    language: Language = "en"
    tracking_uri: str | None = None

    @property
    def seed(self) -> int:
        """Return the seed of this trainee's plant in this module; it follows from the names and cannot be chosen."""
        return trainee_seed(self.cohort, self.pseudonym, self.module)

    def draw(self, name: str, low: float, high: float) -> float:
        """Draw a number of this trainee's own between two bounds: a parameter of the plant, the hour of a fault.

        The same name gives the same number in every attempt, whatever else is drawn.

        >>> Trainee(pseudonym="heron", cohort="spring", module="02-feeding").draw("growth", 1.0, 1.0)
        1.0
        """
        return low + (high - low) * spawn_seed(self.seed, "draw", name) / 2**63

    @property
    def is_guest(self) -> bool:
        """Say whether the notebook was built for anybody, not released to one of a class."""
        return (self.cohort, self.pseudonym) == (DEMO_COHORT, DEMO_TRAINEE)

    @property
    def tags(self) -> "dict[CourseTag, str]":
        """Return what a run of this trainee carries in MLflow."""
        return {
            "trainee": self.pseudonym,
            "cohort": self.cohort,
            "module": self.module,
            "language": self.language,
            "seed": str(self.seed),
        }

    def record(
        self,
        name: str,
        metrics: Mapping[str, float],
        *,
        recipe: "HasToml | None" = None,
        store: "Store | None" = None,
    ) -> str | None:
        """Keep a run in MLflow under this trainee's name; return its identifier (``None`` while being graded).

        Parameters
        ----------
        name
            What the run is called: ``"second try, less feed"``.
        metrics
            What came out. The board never trusts it: it runs submitted recipes again.
        recipe
            Anything with ``to_toml()``; kept beside the metrics.
        store
            Where to; by default what ``trainee.toml`` or BIOLAB_TRACKING_URI names, else a folder here.

        Raises
        ------
        TrackingError
            If the store cannot be written.
        """
        if os.environ.get(GRADING):
            return None
        from biolab.tracking import log_trainee_run, open_store

        uri = self.tracking_uri or os.environ.get("BIOLAB_TRACKING_URI")
        place = store or open_store(uri, Path("biolab-output"))
        texts = {} if recipe is None else {"recipe.toml": recipe.to_toml()}
        return log_trainee_run(place, name=name, tags=self.tags, metrics=metrics, texts=texts)

    def card(self) -> str:
        """Return the text of this trainee's ``trainee.toml``."""
        lines = [f'{name} = "{getattr(self, name)}"' for name in ("pseudonym", "cohort", "module", "language")]
        if self.tracking_uri is not None:
            lines.append(f'tracking_uri = "{self.tracking_uri}"')
        return "\n".join([*lines, ""])


def guest(module: str = "guest", language: Language = "en") -> Trainee:
    """Return the guest who reads a module that was not released to a class."""
    return Trainee(pseudonym=DEMO_TRAINEE, cohort=DEMO_COHORT, module=module, language=language)


def trainee(folder: Path | None = None) -> Trainee:
    """Say whose notebook this is: what ``trainee.toml`` in the notebook's folder says, else a guest.

    >>> trainee(Path("/nowhere")).is_guest
    True

    Raises
    ------
    ConfigError
        If the file cannot be read or says what it should not.
    """
    path = (folder or Path.cwd()) / FILE_NAME
    if not path.is_file():
        return guest()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}. Take the file that came with the notebook.") from error
    return Trainee(**parse_settings(Card, content, source=str(path)).model_dump())
