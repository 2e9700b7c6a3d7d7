"""From modules to notebooks: for trainees in each language, and for the instructor with solutions and hidden tests."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biolab.core import BiolabError, write_atomically

from .blocks import LANGUAGES, Language
from .module import Module
from .notebook import Audience, notebook_text
from .trainee import FILE_NAME as CARD_NAME
from .trainee import guest

INSTRUCTOR_FOLDER = "instructor"


@dataclass(frozen=True, kw_only=True)
class Built:
    """One notebook that was written."""

    module: str
    language: Language
    audience: Audience
    path: Path

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON-able content."""
        return {**vars(self), "path": str(self.path)}


def build(
    modules: Sequence[Module], output: Path, *, languages: Sequence[Language] = LANGUAGES, instructor: bool = True
) -> list[Built]:
    """Write the notebooks of modules: ``<slug>/<language>/<slug>.ipynb``, those with solutions below ``instructor/``.

    Beside each go the module's figures and a guest's ``trainee.toml``: code is the same in all languages, so the card
    tells figures which one they are in. Nothing in a trainee's folder holds a solution.

    Raises
    ------
    BiolabError
        If the folder cannot be written.
    """
    audiences: tuple[Audience, ...] = ("trainee", "instructor") if instructor else ("trainee",)
    written: list[Built] = []
    for module in modules:
        for audience in audiences:
            place = output / INSTRUCTOR_FOLDER if audience == "instructor" else output
            for language in languages:
                folder = place / module.slug / language
                copy_figures(module, folder)
                write_atomically(folder / CARD_NAME, guest(module.slug, language).card())
                path = folder / f"{module.slug}.ipynb"
                write_atomically(path, notebook_text(module, language=language, audience=audience))
                written.append(Built(module=module.slug, language=language, audience=audience, path=path))
    return written


def copy_figures(module: Module, folder: Path) -> None:
    """Put the module's figures (its folder ``figures``) beside a notebook.

    Raises
    ------
    BiolabError
        If they cannot be written.
    """
    source = module.folder / "figures"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, folder / "figures", dirs_exist_ok=True)
    except OSError as error:
        raise BiolabError(
            f"{folder} cannot be written: {error.strerror or error}. Choose a folder you may write to."
        ) from error
