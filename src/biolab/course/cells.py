"""The pieces of a module: prose in every language, and code cells of seven kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .blocks import CodeBlock, CodeKind, Language

SOLUTION_BEGINS, SOLUTION_ENDS = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "# your answer here · 여기에 답을 쓰세요"
"""Stands where a solution stood."""


@dataclass(frozen=True, kw_only=True)
class Prose:
    """Prose under one key in every language."""

    key: str
    line: int
    text: Mapping[Language, str]
    is_hint: bool = False


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A code cell: set-up (run when graded too), code, or an interactive part (never graded)."""

    name: str
    """Names the cell in notebooks and in nbgrader."""
    block: CodeBlock

    @property
    def key(self) -> str:
        """Return the key under which it stands in the module."""
        return self.block.key

    @property
    def kind(self) -> CodeKind:
        """Return what kind of cell it is."""
        return self.block.kind

    @property
    def line(self) -> int:
        """Return the line of the module where its code begins."""
        return self.block.line + 1

    @property
    def source(self) -> str:
        """Return its code, solution included."""
        return self.block.source

    @staticmethod
    def of(block: CodeBlock, number: int) -> "Cell":
        """Make the cell of a checked block; ``number`` counts the cells of one kind under one key."""
        options = block.options
        if block.kind == "exercise":
            return Exercise(name=block.key, block=block, answers=tuple(listed(options["answers"])))
        if block.kind in {"test", "hidden"}:
            name = f"{block.key}-{block.kind}-{number}"
            return Check(name=name, block=block, points=float(options["points"]), hint=options.get("hint"))
        if block.kind == "score":
            better: Literal["higher", "lower"] = "lower" if options["better"] == "lower" else "higher"
            return Score(name=block.key, block=block, better=better, ranks=options.get("rank") == "yes")
        return Cell(name=f"{block.kind}-{block.key}", block=block)


@dataclass(frozen=True, kw_only=True)
class Exercise(Cell):
    """A cell that a trainee fills in; the names it must define are what is graded."""

    answers: tuple[str, ...]

    @property
    def stripped(self) -> str:
        r"""Return the source without its solution, as a trainee gets it.

        >>> source = "volume_l = ...\n### BEGIN SOLUTION\nvolume_l = 2.0\n### END SOLUTION"
        >>> block = CodeBlock(kind="exercise", key="feed", line=1, source=source)
        >>> print(Exercise(name="feed", block=block, answers=("volume_l",)).stripped)
        volume_l = ...
        # your answer here · 여기에 답을 쓰세요
        """
        kept: list[str] = []
        inside = False
        for line in self.source.split("\n"):
            if line.strip() == SOLUTION_BEGINS:
                inside = True
                kept.append(line[: len(line) - len(line.lstrip())] + STUB)
            elif line.strip() == SOLUTION_ENDS:
                inside = False
            elif not inside:
                kept.append(line)
        return "\n".join(kept)

    @property
    def solution_lines(self) -> tuple[str, ...]:
        """Return the lines that a trainee must not get."""
        shown = set(self.stripped.split("\n")) | {SOLUTION_BEGINS, SOLUTION_ENDS}
        return tuple(line for line in self.source.split("\n") if line not in shown and line.strip() not in shown)


@dataclass(frozen=True, kw_only=True)
class Check(Cell):
    """A test of an exercise's answers: public, which the trainee sees and runs, or hidden."""

    points: float
    hint: str | None = None
    """Key of the prose that feedback shows where the test failed."""

    @property
    def is_hidden(self) -> bool:
        """Say whether trainees never see it."""
        return self.kind == "hidden"


@dataclass(frozen=True, kw_only=True)
class Score(Cell):
    """Code that finds a number from the answers anew and leaves it in ``score``; trainees never see it."""

    better: Literal["higher", "lower"]
    ranks: bool = False
    """Whether the board ranks by it; the other scores stand beside."""


def listed(words: str) -> list[str]:
    """Return the words of a list written with commas.

    >>> listed("recipe, volume_l")
    ['recipe', 'volume_l']
    """
    return [word.strip() for word in words.split(",") if word.strip()]
