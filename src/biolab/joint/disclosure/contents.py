"""Files by what they hold: a list of kinds that may leave, by name and by their first bytes; everything else stays."""

import io
import json
import pickletools
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import polars as pl

from .documents import check_json, counts_of_json
from .findings import Finding
from .images import SIGNATURE, check_png
from .pages import check_html, check_svg
from .scrutiny import Scrutiny
from .small_cells import Count, counts_in
from .tables import check_table

MOST_BYTES = 64 * 2**20
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PAR1", "Parquet"), (0, b"ARROW1", "Arrow"), (0, b"FEA1", "Feather"), (0, b"SQLite format 3", "SQLite"),
    (0, b"\x89HDF", "HDF5"), (0, b"\x93NUMPY", "a NumPy array"), (0, b"PK", "a zip archive"), (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"), (0, b"\xfd7zXZ", "xz"), (0, b"\x28\xb5\x2f\xfd", "zstandard"), (0, b"7z\xbc\xaf", "7-Zip"),
    (0, b"Rar!", "RAR"), (0, b"\x04\x22\x4d\x18", "LZ4"), (257, b"ustar", "tar"),
    (0, b"\xd0\xcf\x11\xe0", "an Office file"),
    (0, b"%PDF", "PDF"), (0, b"RDX", "R data"), (0, b"RDA", "R data"), (0, b"<stata_dta>", "Stata"),
    (0, b"$FL", "SPSS"),
    (0, b"ORC", "ORC"), (0, b"Obj\x01", "Avro"), (128, b"DICM", "DICOM"), (0, b"l\x1b\x01", "PLINK genotypes"),
    (0, b"BAM\x01", "BAM"), (0, b"\xff\xd8\xff", "JPEG"), (0, b"GIF8", "GIF"), (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"\x7fELF", "a program"), (0, b"MZ", "a program"), (0, b"x\x9c", "zlib"), (0, b"x\x01", "zlib"),
    (0, b"x\xda", "zlib"),
)  # fmt: skip
_PICKLED = tuple(bytes([0x80, version]) for version in range(2, 6))
_TEXT_PICKLE = b"(]}lcidI"


def kind_of(content: bytes) -> str | None:
    """Name the kind of file that bytes are by how they begin, if it is one that holds rows, objects or other files.

    >>> kind_of(b"PAR1..."), kind_of(b'{"a": 1}')
    ('Parquet', None)
    """
    if content.startswith(_PICKLED) or _is_text_pickle(content):
        return "a pickle"
    return next((name for place, magic, name in _MAGIC if content[place : place + len(magic)] == magic), None)


def _is_text_pickle(content: bytes) -> bool:
    if (
        not content
        or content[:1] not in [bytes([each]) for each in _TEXT_PICKLE]
        or not content.rstrip().endswith(b".")
    ):
        return False
    try:
        return sum(1 for _ in pickletools.genops(content)) > 3
    except (ValueError, IndexError, KeyError, UnicodeDecodeError, OverflowError):
        return False


def check_file_content(where: str, content: bytes, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check a file by its name and its bytes."""
    from .archives import check_zip
    from .weights import check_safetensors, check_skops

    yield from check_name(where, scrutiny)
    path = PurePosixPath(where.replace("\\", "/"))
    suffix = path.suffix.lower() or path.name
    if len(content) > MOST_BYTES:
        yield _finding(where, "too-long", "it is larger than any result", "Release a summary.")
    elif suffix == ".zip":
        yield from check_zip(where, content, scrutiny)
    elif suffix == ".skops":
        yield from check_skops(where, content, scrutiny)
    elif suffix == ".safetensors":
        yield from check_safetensors(where, content, scrutiny)
    elif suffix == ".png" and content.startswith(SIGNATURE):
        yield from check_png(where, content)
    elif (kind := kind_of(content)) is not None:
        yield _kept(where, kind)
    elif suffix not in _TEXTS:
        yield _finding(
            where, "unlisted-kind", "files of this kind are not on the list of what may leave",
            "Release JSON, CSV, SVG, PNG, HTML, Markdown, safetensors, skops or a released model.",
        )  # fmt: skip
    elif (text := _text(content)) is None:
        yield _finding(where, "unreadable", "it is not UTF-8 text", "Write it as UTF-8.")
    else:
        yield from _TEXTS[suffix](where, text, scrutiny)


def check_name(where: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check the name of a file for what names a person; the finding does not repeat it."""
    yield from scrutiny.text("a file's name", where.replace("_", " ").replace("/", " / "))


def check_content(where: str, content: bytes, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check bytes that stood inside something else, by what they are."""
    if content.startswith(SIGNATURE):
        yield from check_png(where, content)
        return
    text = _text(content)
    if scrutiny.traces is not None and text is not None:
        yield from scrutiny.traces.in_text(where, text)
    if (kind := kind_of(content)) is not None:
        yield _kept(where, kind)
    elif text is None:
        yield _finding(where, "hidden-content", "it holds encoded bytes that are no text", "Leave it out.")
    else:
        start = text.lstrip()[:1]
        reader = check_svg_or_html if start == "<" else _check_json_text if start in {"[", "{"} else _check_prose
        yield from reader(where, text, scrutiny)


def check_svg_or_html(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check markup by what it is."""
    yield from (check_svg if "<svg" in text[:2000] and "<html" not in text[:2000] else check_html)(
        where, text, scrutiny
    )


def counts_of_file(where: str, content: bytes, scrutiny: Scrutiny) -> list[Count]:
    """Return the counts of a file that holds a table."""
    suffix = PurePosixPath(where).suffix.lower()
    text = _text(content) if suffix in {".json", ".csv", ".tsv"} and len(content) <= MOST_BYTES else None
    if text is None:
        return []
    if suffix == ".json":
        try:
            return counts_of_json(where, json.loads(text), scrutiny)
        except ValueError:
            return []
    frame = _delimited(text, "\t" if suffix == ".tsv" else ",")
    return [] if frame is None else counts_in(where, frame, scrutiny.rules)


def _kept(where: str, kind: str) -> Finding:
    rule = "pickle" if kind == "a pickle" else "unlisted-kind"
    return _finding(
        where,
        rule,
        f"its content is {kind}, which can hold rows, objects or other files",
        "Release JSON or CSV of aggregates.",
    )


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _check_json_text(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    try:
        content = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        yield _finding(where, "unreadable", "it is not JSON, or an object holds a key twice", "Write it again.")
        return
    if isinstance(content, dict) and {"cells", "nbformat"} <= content.keys():
        yield _finding(where, "notebook", "it is a notebook", "Release the page or its tables.")
        return
    yield from check_json(where, content, scrutiny)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key stands twice")
    return content


def _check_lines(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                rows.append(json.loads(line, object_pairs_hook=_once))
            except ValueError:
                yield _finding(f"{where}, line {number}", "unreadable", "it is not JSON", "Write it again.")
                return
    flat = rows and all(
        isinstance(row, dict) and not any(isinstance(v, dict | list) for v in row.values()) for row in rows
    )
    for row in [rows] if flat else rows:
        yield from check_json(where, row, scrutiny)


def _check_delimited(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    frame = _delimited(text, "\t" if where.lower().endswith(".tsv") else ",")
    if frame is None:
        yield _finding(where, "unreadable", "it is not a table", "Write it again.")
        return
    yield from check_table(where, frame, scrutiny)


def _delimited(text: str, separator: str) -> pl.DataFrame | None:
    if text.lstrip().startswith("#"):
        return None
    try:
        return pl.read_csv(io.StringIO(text), separator=separator, infer_schema_length=None, try_parse_dates=True)
    except pl.exceptions.PolarsError:
        return None


def _check_prose(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check a text for people to read; many lines of numbers are a table in disguise."""
    yield from scrutiny.text(where, text)
    numeric = [
        line
        for line in text.splitlines()
        if sum(word.replace(".", "", 1).lstrip("-").isdigit() for word in _words(line)) >= 2
    ]
    if len(numeric) > scrutiny.rules.minimum_cell and len(numeric) * 2 > len(text.splitlines()):
        yield _finding(
            where,
            "row-level",
            "most of its lines are numbers: a table in disguise",
            "Release the table as JSON or CSV.",
        )
    yield from check_html(where, text, scrutiny) if "<" in text and ">" in text else ()
    if scrutiny.traces is not None:
        rows = [[float(word) for word in _words(line) if _is_number(word)] for line in text.splitlines()]
        yield from scrutiny.traces.in_rows(where, rows)


def _words(line: str) -> list[str]:
    return line.replace(",", " ").replace("|", " ").replace(";", " ").split()


def _is_number(word: str) -> bool:
    return word.lstrip("-").replace(".", "", 1).isdigit()


def _check_mlmodel(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check MLflow's description of a model: loaded by us from released numbers, no pickle, no code."""
    kept = [
        line for line in text.splitlines() if not line.strip().startswith(("utc_time_created:", "model_size_bytes:"))
    ]
    flavours = [
        line.strip().rstrip(":")
        for line in kept
        if line.startswith("  ") and not line.startswith("   ") and line.endswith(":")
    ]
    if (
        "pickle" in text
        or "loader_module: biolab." not in text
        or flavours[:1] != ["python_function"]
        or "code: null" not in text
    ):
        yield _finding(
            where, "pickle", "the model is not loaded by biolab from released numbers alone", "Log it with log_model."
        )
    yield from scrutiny.text(where, "\n".join(kept))


def _check_signature(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 or not all(line.startswith("ed25519:") for line in lines):
        yield _finding(where, "unreadable", "it is not one signature", "Sign again.")
    yield from scrutiny.text(where, text)


_TEXTS: dict[str, Callable[[str, str, Scrutiny], Iterator[Finding]]] = {
    ".json": _check_json_text, ".jsonl": _check_lines, ".csv": _check_delimited, ".tsv": _check_delimited,
    ".svg": check_svg, ".html": check_html, ".md": _check_prose, ".txt": _check_prose, ".yaml": _check_prose,
    ".toml": _check_prose, ".sig": _check_signature, "MLmodel": _check_mlmodel,
}  # fmt: skip


def _finding(where: str, rule: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy=remedy)
