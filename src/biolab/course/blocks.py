"""The text of a module cut into blocks: prose in one language, or a code cell; nothing else may stand there."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from biolab.core import ConfigError, did_you_mean

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES = {"en": "English", "ko": "Korean"}
CodeKind = Literal["setup", "code", "interactive", "exercise", "test", "hidden", "score"]
CODE_KINDS: tuple[CodeKind, ...] = get_args(CodeKind)
_PROSE = re.compile(r"(:{3,})\s*([^\s:]\S*)\s*(.*)")
_CLOSING = re.compile(r"(:{3,})\s*")
_CODE = re.compile(r"```\s*python\b\s*(.*)")
_FENCE = re.compile(r"(`{3,})")


@dataclass(frozen=True, kw_only=True)
class ProseBlock:
    """Prose of one key in one language, as it stands in the file."""

    language: Language
    key: str
    line: int
    end: int
    text: str
    is_hint: bool = False


@dataclass(frozen=True, kw_only=True)
class CodeBlock:
    """A code cell as it stands in the file; ``line`` is that of its fence."""

    kind: CodeKind
    key: str
    line: int
    source: str
    options: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Faults:
    """What is wrong in one file; all of it is said at once."""

    file: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, key: str | None, message: str) -> None:
        """Note a fault at a line, of the block with a key."""
        where = f"line {line}" if key is None else f"line {line}, key {key!r}"
        self.found.append((line, f"{where}: {message}"))

    def raise_if_any(self) -> None:
        """Raise one error that names every fault, in the order of the lines.

        Raises
        ------
        ConfigError
            If there is any.
        """
        messages = [message for _, message in sorted(self.found, key=lambda fault: fault[0])]
        if len(messages) == 1:
            raise ConfigError(f"{self.file}, {messages[0]}")
        if messages:
            raise ConfigError("\n- ".join([f"{self.file} has {len(messages)} faults:", *messages]))


def read_blocks(lines: Sequence[str], *, first: int, faults: Faults) -> list[ProseBlock | CodeBlock]:
    """Cut lines into blocks; note in ``faults`` what stands outside of one, is not closed or not known.

    >>> faults = Faults(file="module.md")
    >>> blocks = read_blocks([":::en aim", "Why we feed.", ":::"], first=1, faults=faults)
    >>> blocks[0].key, blocks[0].text, faults.found
    ('aim', 'Why we feed.', [])
    """
    blocks: list[ProseBlock | CodeBlock] = []
    place = 0
    while place < len(lines):
        line, number = lines[place], place + first
        if not line.strip():
            place += 1
        elif line.startswith("<!--"):
            place = _after_note(lines, place, number, faults)
        elif opening := _PROSE.fullmatch(line):
            end = _end_of_prose(lines, place, opening[1])
            blocks += _prose(opening, lines[place + 1 : end.stop], number, number + end.stop - place, faults)
            _say_unclosed(end, number, f"The block {line.strip()!r}", f"a line {opening[1]!r}", faults)
            place = end.next
        elif opening := _CODE.fullmatch(line):
            end = _end_of_code(lines, place)
            blocks += _code(opening[1], "\n".join(lines[place + 1 : end.stop]), number, faults)
            _say_unclosed(end, number, f"The code cell {line.strip()!r}", "a line '```'", faults)
            place = end.next
        else:
            place = _stray(lines, place, number, faults)
    return blocks


@dataclass(frozen=True, kw_only=True)
class _End:
    stop: int
    next: int
    closed: bool


def _end_of_prose(lines: Sequence[str], place: int, colons: str) -> _End:
    for at in range(place + 1, len(lines)):
        closing = _CLOSING.fullmatch(lines[at])
        if closing and closing[1] == colons:
            return _End(stop=at, next=at + 1, closed=True)
        opening = _PROSE.fullmatch(lines[at])
        if opening and opening[1] == colons and opening[2] in LANGUAGES:
            return _End(stop=at, next=at, closed=False)
    return _End(stop=len(lines), next=len(lines), closed=False)


def _end_of_code(lines: Sequence[str], place: int) -> _End:
    for at in range(place + 1, len(lines)):
        if lines[at].rstrip() == "```":
            return _End(stop=at, next=at + 1, closed=True)
        if _CODE.fullmatch(lines[at]) or _PROSE.fullmatch(lines[at]):
            return _End(stop=at, next=at, closed=False)
    return _End(stop=len(lines), next=len(lines), closed=False)


def _say_unclosed(end: _End, number: int, what: str, closing: str, faults: Faults) -> None:
    if not end.closed:
        faults.add(number, None, f"{what} is not closed; end it with {closing}.")


def _after_note(lines: Sequence[str], place: int, number: int, faults: Faults) -> int:
    for at in range(place, len(lines)):
        if "-->" in lines[at]:
            return at + 1
    faults.add(number, None, "The note '<!--' is not closed; end it with '-->'.")
    return len(lines)


def _stray(lines: Sequence[str], place: int, number: int, faults: Faults) -> int:
    """Note text outside of any block, once for all its lines, and skip it."""
    shown = lines[place].strip()[:40]
    fence = _FENCE.match(lines[place])
    remedy = (
        "Code cells begin with '```python KIND KEY'; code that is only shown belongs into prose."
        if fence
        else "Put it into ':::en KEY' and ':::ko KEY' blocks, or into '<!-- a note -->'."
    )
    closing = _CLOSING.fullmatch(lines[place])
    faults.add(number, None, f"{shown!r} stands outside of any block. {'Nothing is open here.' if closing else remedy}")
    at = place + 1
    if fence:
        while at < len(lines) and lines[at].rstrip() != fence[1]:
            at += 1
        return min(at + 1, len(lines))
    while at < len(lines) and lines[at].strip() and not (_PROSE.fullmatch(lines[at]) or _CODE.fullmatch(lines[at])):
        at += 1
    return at


def _prose(opening: re.Match[str], lines: Sequence[str], number: int, end: int, faults: Faults) -> Iterator[ProseBlock]:
    language, words = opening[2], opening[3].split()
    known = next((each for each in LANGUAGES if each == language), None)
    if known is None:
        remedy = did_you_mean(language, LANGUAGES)
        faults.add(number, None, f"{language!r} is not a language of the course. {remedy}")
        return
    if not words or words[1:] not in ([], ["hint"]):
        faults.add(
            number, None, f"{opening[0].strip()!r} needs a key: ':::{language} KEY' or ':::{language} KEY hint'."
        )
        return
    text = "\n".join(lines).strip("\n")
    if not text.strip():
        faults.add(number, words[0], f"The {LANGUAGE_NAMES[known]} block is empty.")
    yield ProseBlock(language=known, key=words[0], line=number, end=end, text=text, is_hint=len(words) == 2)


def _code(info: str, source: str, number: int, faults: Faults) -> Iterator[CodeBlock]:
    try:
        words = shlex.split(info)
    except ValueError as error:
        faults.add(number, None, f"'```python {info}' cannot be read ({error}).")
        return
    kind = next((each for each in CODE_KINDS if words and each == words[0]), None)
    if kind is None:
        said = (
            f"{words[0]!r} is not a kind of cell. {did_you_mean(words[0], CODE_KINDS)}" if words else "It says no kind."
        )
        faults.add(number, None, f"{said} Write '```python KIND KEY', KIND one of {', '.join(CODE_KINDS)}.")
        return
    if len(words) < 2 or "=" in words[1]:
        faults.add(number, None, f"'```python {info}' needs a key after {kind!r}.")
        return
    options = dict(word.split("=", 1) for word in words[2:] if "=" in word)
    for word in words[2:]:
        if "=" not in word:
            faults.add(number, words[1], f"{word!r} is not an option; options are written NAME=VALUE.")
    yield CodeBlock(kind=kind, key=words[1], line=number, source=source.strip("\n"), options=options)
