"""A module of the course as it is written: one text, code once, prose in every language under the same key."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field

from biolab.core import ConfigError, did_you_mean, sha256_hex
from biolab.core.validation import Settings, parse_settings

from .blocks import LANGUAGE_NAMES, LANGUAGES, CodeBlock, Faults, Language, ProseBlock, read_blocks
from .cells import Cell, Check, Exercise, Prose, Score
from .code_rules import check_code

SOURCE_NAME = "module.md"
DEFAULT_FOLDER = Path("notebooks/course")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
_FIGURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
Piece: TypeAlias = "Prose | Cell"


class Title(Settings):
    """The module's name in both languages."""

    en: Annotated[str, Field(min_length=1)]
    ko: Annotated[str, Field(min_length=1)]

    def __getitem__(self, language: Language) -> str:
        """Return the name in a language."""
        return self.en if language == "en" else self.ko


class Header(Settings):
    """What stands between the ``+++`` lines at the top of a module."""

    title: Title
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    minutes: Annotated[int, Field(gt=0)]
    requires: tuple[str, ...] = ()
    """Slugs of the modules that a trainee should have done before."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A module, read and checked: its pieces in the order in which they are shown."""

    folder: Path
    header: Header
    pieces: tuple[Piece, ...]
    hints: Mapping[str, Mapping[Language, str]]
    """What feedback says where a test failed that names the key."""
    sha256: str

    @property
    def slug(self) -> str:
        """Return the module's name: that of its folder."""
        return self.folder.name

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return the code cells."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Cell))

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """Return the exercises."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Exercise))

    @property
    def checks(self) -> tuple[Check, ...]:
        """Return public and hidden tests."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Check))

    @property
    def scores(self) -> tuple[Score, ...]:
        """Return the cells that re-simulate answers for the board."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Score))

    @property
    def points(self) -> float:
        """Return the points of all tests."""
        return sum(check.points for check in self.checks)

    def title_of(self, exercise: Exercise, language: Language) -> str:
        """Return the heading of the prose that stands before an exercise, or its key if that has none."""
        prose = [piece for piece in self.pieces[: self.pieces.index(exercise)] if isinstance(piece, Prose)]
        headings = _HEADING.findall(prose[-1].text[language]) if prose else []
        return headings[-1] if headings else exercise.key

    @classmethod
    def load(cls, folder: Path) -> "Module":
        """Read a module from its folder, or from its ``module.md``.

        Raises
        ------
        ConfigError
            Names every fault with file, line and key.
        """
        place = folder.parent if folder.name == SOURCE_NAME else folder
        path = place / SOURCE_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
        return read_module(text, folder=place.resolve())


def read_module(text: str, *, folder: Path) -> Module:
    """Read a module's text.

    Raises
    ------
    ConfigError
        Names every fault with file, line and key.
    """
    source = f"{folder.name}/{SOURCE_NAME}"
    if not _KEY.fullmatch(folder.name):
        raise ConfigError(f"The folder {folder.name!r} cannot name a module; use a-z, 0-9 and '-', such as 02-feeding.")
    lines = text.splitlines()
    header, first = _header(lines, source)
    faults = Faults(file=source)
    blocks = read_blocks(lines[first:], first=first + 1, faults=faults)
    prose = _paired(blocks, faults)
    check_code([block for block in blocks if isinstance(block, CodeBlock)], prose, faults)
    _check_keys(blocks, faults)
    _check_figures(blocks, folder, faults)
    _check_hints(blocks, faults)
    faults.raise_if_any()
    pieces = tuple(_pieces(blocks, prose))
    hints = {key: dict(each.text) for key, each in prose.items() if each.is_hint}
    return Module(folder=folder, header=header, pieces=pieces, hints=hints, sha256=sha256_hex(text.encode()))


def find_modules(folder: Path = DEFAULT_FOLDER) -> list[Path]:
    """List the modules' folders, in order.

    Raises
    ------
    ConfigError
        If there are none.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{SOURCE_NAME}"))
    if not found:
        raise ConfigError(f"{folder} holds no modules (folders with a {SOURCE_NAME}). Name the course with --course.")
    return found


def find_module(name: str, folder: Path = DEFAULT_FOLDER) -> Path:
    """Find a module by its path, its slug or the slug's number.

    Raises
    ------
    ConfigError
        If there is no such module; the message names the nearest.
    """
    given = Path(name)
    if (given / SOURCE_NAME).is_file() or given.name == SOURCE_NAME:
        return given
    known = {path.name: path for path in find_modules(folder)}
    numbered = [path for slug, path in known.items() if slug.split("-")[0].lstrip("0") == name.lstrip("0") != ""]
    if name in known or len(numbered) == 1:
        return known.get(name) or numbered[0]
    raise ConfigError(f"{folder} has no module {name!r}. {did_you_mean(name, known)}")


def _header(lines: list[str], source: str) -> tuple[Header, int]:
    if not lines or lines[0].strip() != "+++":
        raise ConfigError(f"{source}, line 1: a module begins with a TOML header between two lines '+++'.")
    end = next((at for at in range(1, len(lines)) if lines[at].strip() == "+++"), None)
    if end is None:
        raise ConfigError(f"{source}, line 1: the header is not closed; end it with a line '+++'.")
    try:
        content = tomllib.loads("\n".join(lines[1:end]))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}, header: {error} (lines counted from below the first '+++').") from error
    return parse_settings(Header, content, source=f"{source}, header"), end + 1


def _paired(blocks: list[ProseBlock | CodeBlock], faults: Faults) -> dict[str, Prose]:
    """Put the languages of each key together; note keys that lack one or stand apart."""
    by_key: dict[str, dict[Language, tuple[int, ProseBlock]]] = {}
    for place, block in enumerate(blocks):
        if not isinstance(block, ProseBlock):
            continue
        known = by_key.setdefault(block.key, {})
        if block.language in known:
            before = known[block.language][1].line
            faults.add(
                block.line, block.key, f"The {LANGUAGE_NAMES[block.language]} block stands at line {before} too."
            )
            continue
        known[block.language] = (place, block)
    lacking = {key: [each for each in LANGUAGES if each not in known] for key, known in by_key.items()}
    for key, known in by_key.items():
        _check_pair(key, list(known.values()), lacking, faults)
    return {key: _prose(key, [block for _, block in known.values()]) for key, known in by_key.items()}


def _check_pair(
    key: str, known: list[tuple[int, ProseBlock]], lacking: Mapping[str, list[Language]], faults: Faults
) -> None:
    place, block = known[0]
    for language in lacking[key]:
        written = [other for other, lacks in lacking.items() if lacks and language not in lacks]
        near = did_you_mean(key, written) if written else ""
        hint = f" {near} That key has no {LANGUAGE_NAMES[block.language]}." if near.startswith("Did") else ""
        faults.add(
            block.line,
            key,
            f"The {LANGUAGE_NAMES[language]} block is missing; add ':::{language} {key}' after line {block.end}.{hint}",
        )
    if len(known) == 2:
        other_place, other = known[1]
        if other_place != place + 1:
            faults.add(
                other.line, key, f"Its other language stands at line {block.line}; put them one after the other."
            )
        if other.is_hint != block.is_hint:
            faults.add(other.line, key, "One language is a hint, the other is shown; write 'hint' after both keys.")


def _prose(key: str, blocks: list[ProseBlock]) -> Prose:
    text = {block.language: block.text for block in blocks}
    return Prose(key=key, line=blocks[0].line, text=text, is_hint=blocks[0].is_hint)


def _check_keys(blocks: list[ProseBlock | CodeBlock], faults: Faults) -> None:
    for block in blocks:
        if not _KEY.fullmatch(block.key):
            faults.add(block.line, block.key, "A key is made of a-z, 0-9, '-' and '_', at most 50 of them.")


def _check_figures(blocks: list[ProseBlock | CodeBlock], folder: Path, faults: Faults) -> None:
    for block in blocks:
        if isinstance(block, ProseBlock):
            for name in _FIGURE.findall(block.text):
                if "://" not in name and not (folder / name).is_file():
                    faults.add(block.line, block.key, f"The figure {name!r} is not in the module's folder.")


def _check_hints(blocks: list[ProseBlock | CodeBlock], faults: Faults) -> None:
    for block in blocks:
        if isinstance(block, ProseBlock) and block.is_hint and "$" in block.text:
            faults.add(block.line, block.key, "Feedback pages set no formulas; write the hint without '$': kLa, q_S.")


def _pieces(blocks: list[ProseBlock | CodeBlock], prose: Mapping[str, Prose]) -> Iterator[Piece]:
    shown: set[str] = set()
    counts: dict[str, int] = {}
    for block in blocks:
        if isinstance(block, CodeBlock):
            number = counts[f"{block.kind} {block.key}"] = counts.get(f"{block.kind} {block.key}", 0) + 1
            yield Cell.of(block, number)
        elif block.key not in shown and not block.is_hint:
            shown.add(block.key)
            yield prose[block.key]
