"""A small study of three variables, its site, and a way to write an Excel workbook."""

import tomllib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from biolab.data import Codebook, SiteMapping

ROOT = Path(__file__).parents[2]
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

Row = Sequence[str | float | None]


@pytest.fixture(scope="session")
def protocol() -> dict:
    return tomllib.loads((ROOT / "experiments/breast-prognosis/protocol.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def breast_codebook(protocol: dict) -> Codebook:
    return Codebook.model_validate(protocol["codebook"])


@pytest.fixture(scope="session")
def site_mapping(protocol: dict) -> Callable[[str], SiteMapping]:
    def of(site: str) -> SiteMapping:
        table = protocol["sites"][site]
        return SiteMapping.model_validate({key: table[key] for key in ("columns", "endpoint") if key in table})

    return of


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    return Codebook.model_validate(
        {
            "patient": {"type": "text", "role": "id"},
            "months": {"type": "number", "unit": "month", "role": "time"},
            "death": {"type": "boolean", "role": "event"},
            "age": {"type": "number", "unit": "year", "minimum": 18, "maximum": 110},
            "size": {"type": "category", "unit": "mm", "codes": ["<=20", "20-50", ">50"]},
            "grade": {"type": "category", "codes": ["1-2", "3"]},
            "nodes": {"type": "integer", "minimum": 0},
        }
    )


@pytest.fixture(scope="session")
def mapping() -> SiteMapping:
    return SiteMapping.model_validate(
        {
            "columns": {
                "patient": {"column": "pid"},
                "months": {"column": "days", "unit": "day"},
                "death": {"column": "status"},
                "age": {"column": "age", "unit": "year"},
                "size": {"column": "size_cm", "unit": "cm", "cut": [20, 50]},
                "grade": {"column": "grade", "codes": {"1": "1-2", "2": "1-2", "3": "3"}},
                "nodes": {"column": "nodes"},
            }
        }
    )


@pytest.fixture
def raw() -> dict[str, list]:
    return {
        "pid": [11, 12, 13, 14],
        "days": [365.25, 30.4375, 800.0, 1.0],
        "status": [0, 1, 1, 0],
        "age": [50, 61, 44, 39],
        "size_cm": [2.0, 2.1, 5.0, 5.1],
        "grade": [1, 2, 3, 3],
        "nodes": [0, 1, 12, 3],
    }


@pytest.fixture(scope="session")
def write_xlsx() -> Callable[[Path, Mapping[str, Sequence[Row]]], Path]:
    return _write_xlsx


def _write_xlsx(path: Path, sheets: Mapping[str, Sequence[Row]]) -> Path:
    """Write the few parts that a reader of Office Open XML needs."""
    numbers = range(1, len(sheets) + 1)
    form = "application/vnd.openxmlformats-"
    types = f'<Default Extension="rels" ContentType="{form}package.relationships+xml"/>'
    types += '<Default Extension="xml" ContentType="application/xml"/>'
    for part, kind in [("workbook", "sheet.main"), *((f"worksheets/sheet{i}", "worksheet") for i in numbers)]:
        content_type = f"{form}officedocument.spreadsheetml.{kind}+xml"
        types += f'<Override PartName="/xl/{part}.xml" ContentType="{content_type}"/>'
    named = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, 1))
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types">{types}</Types>')
        book.writestr("_rels/.rels", _relations({"officeDocument": ["xl/workbook.xml"]}))
        parts = [f"worksheets/sheet{i}.xml" for i in numbers]
        book.writestr("xl/_rels/workbook.xml.rels", _relations({"worksheet": parts}))
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>'
        )
        for number, rows in enumerate(sheets.values(), 1):
            cells = "".join(_row(index, row) for index, row in enumerate(rows, 1))
            content = f'<worksheet xmlns="{SHEET}"><sheetData>{cells}</sheetData></worksheet>'
            book.writestr(f"xl/worksheets/sheet{number}.xml", content)
    return path


def _relations(targets: Mapping[str, Sequence[str]]) -> str:
    entries = [
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for kind, named in targets.items()
        for number, target in enumerate(named, 1)
    ]
    return f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(entries)}</Relationships>'


def _row(number: int, row: Row) -> str:
    cells = ""
    for letter, value in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", row, strict=False):
        where = f'r="{letter}{number}"'
        if isinstance(value, str):
            cells += f'<c {where} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        elif value is not None:
            cells += f"<c {where}><v>{value}</v></c>"
    return f'<row r="{number}">{cells}</row>'
