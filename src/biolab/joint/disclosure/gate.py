"""The gate: whatever would leave a site passes ``refuse`` first."""

import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from biolab.core import ConfigError

from .annotations import check_annotations
from .archives import damage
from .contents import check_file_content, counts_of_file
from .findings import Finding, refusal
from .rules import Rules
from .scrutiny import Scrutiny, scrutiny_of
from .small_cells import Count, check_counts, counts_in
from .tables import check_table
from .traces import Traces

Leaving = pl.DataFrame | Path | str | Mapping[str, object] | Mapping[str, pl.DataFrame]
"""What can be checked: a table, tables by name, a file, a folder, or parameters, metrics and tags."""


def check(
    path_or_table: Leaving, rules: Rules, *, cohort: pl.DataFrame | Traces | None = None, name: str = "table"
) -> tuple[Finding, ...]:
    """Return every reason why something may not leave; none if it may.

    Parameters
    ----------
    path_or_table
        A table; tables by name, or the path of a file or folder, whose tables are then read together; or a mapping of
        parameters, metrics and tags, each part under its name or all in one.
    rules
        From ``rules_of(protocol)``, or chosen.
    cohort
        At the site, the patients themselves (or ``traces_of`` them): their identifiers, exact values and rows are
        looked for.
    name
        What findings call a table.

    Raises
    ------
    ConfigError
        If the path does not exist.

    Examples
    --------
    >>> table = pl.DataFrame({"grade": ["1-2", "3"], "patients": [90, 4]})
    >>> [finding.rule for finding in check(table, Rules(minimum_cell=10))]
    ['small-cell']
    """
    scrutiny = scrutiny_of(rules, cohort)
    match path_or_table:
        case pl.DataFrame():
            found = _check_frames({name: path_or_table}, scrutiny)
        case Mapping():
            frames = {str(key): value for key, value in path_or_table.items() if isinstance(value, pl.DataFrame)}
            whole = bool(frames) and len(frames) == len(path_or_table)
            found = _check_frames(frames, scrutiny) if whole else _check_mapping(path_or_table, scrutiny)
        case _:
            found = _check_path(Path(path_or_table), scrutiny)
    return tuple(dict.fromkeys(found))


def refuse(
    path_or_table: Leaving, rules: Rules, *, cohort: pl.DataFrame | Traces | None = None, name: str = "table"
) -> None:
    """Stop what may not leave.

    Raises
    ------
    DisclosureError
        If ``check`` finds anything; says where, which rule, and how to mend it, and never quotes a value.
    """
    found = check(path_or_table, rules, cohort=cohort, name=name)
    if found:
        raise refusal(found)


def _check_frames(frames: Mapping[str, pl.DataFrame], scrutiny: Scrutiny) -> Iterator[Finding]:
    counts: list[Count] = []
    for where, frame in frames.items():
        yield from check_table(where, frame, scrutiny)
        counts += counts_in(where, frame, scrutiny.rules)
        if scrutiny.traces is not None:
            flat = [name for name, dtype in frame.schema.items() if not dtype.is_nested() and dtype != pl.Object]
            yield from scrutiny.traces.in_text(where, frame.select(flat).write_csv())
    yield from check_counts(counts, scrutiny.rules)


def _check_mapping(content: Mapping[str, object], scrutiny: Scrutiny) -> Iterator[Finding]:
    yield from check_annotations("", content, scrutiny)
    if scrutiny.traces is not None:
        yield from scrutiny.traces.in_text(
            "parameters, metrics and tags", json.dumps(content, default=str, ensure_ascii=False)
        )


def _check_path(path: Path, scrutiny: Scrutiny) -> Iterator[Finding]:
    if not path.exists() and not path.is_symlink():
        raise ConfigError(f"{path} does not exist. Name a file or a folder to check.")
    counts: dict[str, list[Count]] = defaultdict(list)
    texts: list[tuple[str, str]] = []
    for where, file in _files(path):
        if file.is_symlink() or not file.is_file():
            yield Finding(
                where="a link or device in the folder", rule="unlisted-kind", what="it is not a plain file",
                remedy="Copy what it stands for, or leave it out.",
            )  # fmt: skip
            continue
        content = file.read_bytes()
        yield from check_file_content(where, content, scrutiny)
        for inner, plain in _plain_files(where, content):
            counts[_run_of(inner)] += counts_of_file(inner, plain, scrutiny)
            texts.append((inner, f"{inner}\n{plain.decode('utf-8', errors='replace')}"))
    for of_one_run in counts.values():
        yield from check_counts(of_one_run, scrutiny.rules)
    if scrutiny.traces is not None:
        yield from scrutiny.traces.in_texts(texts)


def _plain_files(where: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file, or the members of an archive that is safe to unpack."""
    if not where.lower().endswith((".zip", ".skops")):
        yield where, content
    elif damage(content) is None:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            yield from ((f"{where}/{entry.filename}", packed.read(entry)) for entry in packed.infolist())


def _files(path: Path) -> Iterable[tuple[str, Path]]:
    if not path.is_dir() or path.is_symlink():
        return [(path.name, path)]
    inside = sorted(each for each in path.rglob("*") if each.is_symlink() or not each.is_dir())
    return [(each.relative_to(path).as_posix(), each) for each in inside]


def _run_of(where: str) -> str:
    """Return the folder of the run a file belongs to: tables of one run are read together."""
    parts = where.split("/")
    return "/".join(parts[: parts.index("tables")] if "tables" in parts else parts[:-1])
