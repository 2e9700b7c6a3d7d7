"""A class: who takes part, in which language, under which limits; ``cohort.toml``, kept by the instructor."""

import tomllib
from pathlib import Path

from pydantic import model_validator

from biolab.core import ConfigError, did_you_mean
from biolab.core.validation import Settings, parse_settings

from .blocks import Language
from .sandbox import Limits
from .trainee import Trainee, Word

FILE_NAME = "cohort.toml"


class Member(Settings):
    """A trainee of the class. Who stands behind a pseudonym is kept elsewhere."""

    pseudonym: Word
    language: Language | None = None


class Cohort(Settings):
    """A class and how its submissions are run."""

    name: Word
    language: Language = "en"
    tracking_uri: str | None = None
    """Where trainees' notebooks keep their runs."""
    trainees: tuple[Member, ...]
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _pseudonyms_differ(self) -> "Cohort":
        if not self.trainees:
            raise ValueError("trainees is empty; add a table [[trainees]] with a pseudonym for each")
        names = [member.pseudonym for member in self.trainees]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the pseudonym {twice[0]!r} is given to {names.count(twice[0])} trainees")
        return self

    @classmethod
    def load(cls, path: Path) -> "Cohort":
        """Read a class from ``cohort.toml`` or the folder that holds it.

        Raises
        ------
        ConfigError
            Names file, key and value of every fault.
        """
        file = path / FILE_NAME if path.is_dir() else path
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                f"{file} cannot be read: {error.strerror or error}. Name the folder of a class, with a {FILE_NAME}; "
                "biolab course new makes one."
            ) from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{file}: {error}.") from error
        return parse_settings(cls, content, source=str(file))

    def members(self, module: str) -> list[Trainee]:
        """Return the trainees of the class on a module."""
        return [
            Trainee(
                pseudonym=member.pseudonym,
                cohort=self.name,
                module=module,
                language=member.language or self.language,
                tracking_uri=self.tracking_uri,
            )
            for member in self.trainees
        ]

    def member(self, pseudonym: str, module: str) -> Trainee:
        """Return one trainee on a module.

        Raises
        ------
        ConfigError
            If the class has no such trainee.
        """
        known = {each.pseudonym: each for each in self.members(module)}
        if pseudonym not in known:
            raise ConfigError(f"The class {self.name!r} has no trainee {pseudonym!r}. {did_you_mean(pseudonym, known)}")
        return known[pseudonym]
