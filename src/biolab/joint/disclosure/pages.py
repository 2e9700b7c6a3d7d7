"""SVG and HTML: figures without a mark a patient, pages without rows, scripts, hidden content or foreign addresses."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from . import columns as names
from .findings import Finding
from .scrutiny import Scrutiny

_MARKS = frozenset({"use", "circle", "ellipse"})
_ACTIVE = frozenset(
    {
        "script",
        "foreignObject",
        "foreignobject",
        "iframe",
        "object",
        "embed",
        "applet",
        "template",
        "textarea",
        "noscript",
    }
)
_COMMAND = re.compile(r"[MLHVCSQTAZmlhvcsqtaz]")
_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL | re.IGNORECASE)
_SHORTEST_CURVE = 140
_REFUSED_ENTITY = "its XML declares entities, which can hide or multiply content"
_NUMBER = re.compile(r"[-+\N{MINUS SIGN}]?[\d,]*\.?\d+")


def check_svg(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check a figure: how many marks a series has, how many points a line, what its texts and attributes say."""
    if "<!ENTITY" in text:
        yield _finding(where, "hidden-content", _REFUSED_ENTITY, "Save the figure without a document type.")
        return
    try:
        root = ET.fromstring(text)
    except ET.ParseError:
        yield _finding(where, "unreadable", "it is not SVG", "Draw the figure again.")
        return
    if _tag(root) != "svg":
        yield _finding(where, "unreadable", "it is not SVG", "Draw the figure again.")
        return
    yield from _check_drawing(where, root, scrutiny)
    yield from scrutiny.text(where, " \n".join(_said(root)))
    yield from scrutiny.hidden(where, " ".join(value for node in root.iter() for value in node.attrib.values()))
    for comment in re.findall(r"<!--(.*?)-->", text, re.DOTALL):
        yield from scrutiny.text(f"{where}, a comment", comment)


def _check_drawing(where: str, root: ET.Element, scrutiny: Scrutiny) -> Iterator[Finding]:
    rules = scrutiny.rules
    most_points = max(_SHORTEST_CURVE, 4 * len(rules.times) + 20)
    marks = _marks_by_series(root)
    if marks and max(marks) > rules.marks:
        yield _finding(
            where,
            "mark-per-patient",
            f"a series has more than {rules.marks} marks, as many as patients",
            "Draw groups or a curve.",
        )
    if any(
        len(_COMMAND.findall(node.get("d", ""))) + len(node.get("points", "").split()) // 2 > most_points
        for node in root.iter()
    ):
        yield _finding(where, "mark-per-patient", "a line has a point a patient", "Draw it on the protocol's grid.")
    tags = {_tag(node) for node in root.iter()}
    if tags & _ACTIVE or any(name.lower().startswith("on") for node in root.iter() for name in node.attrib):
        yield _finding(where, "hidden-content", "it holds a script or foreign content", "Draw the figure without it.")
    if any(_is_foreign(value) for node in root.iter() for name, value in node.attrib.items() if name.endswith("href")):
        yield _finding(where, "foreign-address", "it loads something from elsewhere", "Draw the figure without it.")
    if any(_tag(node) == "metadata" and len(" ".join(node.itertext()).strip()) > 200 for node in root.iter()):
        yield _finding(where, "hidden-content", "its metadata are long", "Save the figure without metadata.")


def _marks_by_series(root: ET.Element) -> list[int]:
    """Count the marks of each series: those of one group, and those of one look whatever groups they stand in."""
    groups = [sum(1 for child in node if _is_mark(child)) for node in root.iter()]
    groups += [
        sum(1 for child in node if len(child) == 1 and _is_mark(child[0])) for node in root.iter() if _tag(node) == "g"
    ]
    return groups


def _is_mark(node: ET.Element) -> bool:
    if _tag(node) == "path":
        return len(_COMMAND.findall(node.get("d", ""))) > 0 and "A" in node.get("d", "").upper()
    return _tag(node) in _MARKS


def _said(root: ET.Element) -> Iterator[str]:
    for node in root.iter():
        if _tag(node) != "style":
            yield from (text for text in (node.text, node.tail) if text and text.strip())
        yield from (
            value
            for name, value in node.attrib.items()
            if name.split("}")[-1] in {"id", "aria-label", "title", "class", "desc"} or name.startswith("data-")
        )


def _tag(node: ET.Element) -> str:
    return str(node.tag).rsplit("}", maxsplit=1)[-1]


def _is_foreign(address: str) -> bool:
    return not address.startswith(("#", "data:")) and not re.match(r"https?://(dx\.)?doi\.org/", address)


@dataclass
class _Table:
    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    in_head: bool = False


class _Page(HTMLParser):
    """Collects tables, texts, attributes and tags of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.said: list[str] = []
        self.values: list[str] = []
        self.addresses: list[str] = []
        self.tables: list[_Table] = []
        self.open: list[_Table] = []
        self.cell = False
        self.quiet = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.values += [value for _, value in attrs if value]
        self.tags |= {name for name, _ in attrs if name.startswith("on")}
        self.said += [
            value
            for name, value in attrs
            if value and (name.startswith("data-") or name in {"title", "alt", "aria-label", "content", "id", "value"})
        ]
        self.addresses += [value for name, value in attrs if name in {"href", "src", "action"} and value]
        self.quiet = tag == "style"
        if tag == "table":
            self.tables.append(_Table())
            self.open.append(self.tables[-1])
        if not self.open:
            return
        table = self.open[-1]
        if tag == "thead":
            table.in_head = True
        elif tag == "tr" and not table.in_head:
            table.rows.append([])
        elif tag in {"td", "th"}:
            self.cell = True
            (table.headings if table.in_head else (table.rows or table.rows.append([]) or table.rows)[-1]).append("")

    def handle_endtag(self, tag: str) -> None:
        self.quiet = False
        if tag == "table" and self.open:
            self.open.pop()
        elif tag == "thead" and self.open:
            self.open[-1].in_head = False
        elif tag in {"td", "th"}:
            self.cell = False

    def handle_data(self, data: str) -> None:
        if self.quiet:
            return
        if data.strip():
            self.said.append(data)
        if self.cell and self.open:
            table = self.open[-1]
            place = table.headings if table.in_head else table.rows[-1] if table.rows else []
            if place:
                place[-1] += data

    def handle_comment(self, data: str) -> None:
        self.said.append(data)


def check_html(where: str, text: str, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check a page: its tables, its figures, what it says, hides and loads."""
    for number, drawing in enumerate(_SVG.findall(text), start=1):
        yield from check_svg(f"{where}, figure {number}", drawing, scrutiny)
    page = _Page()
    page.feed(_SVG.sub(" ", text))
    page.close()
    if page.tags & _ACTIVE or any(tag.startswith("on") for tag in page.tags):
        yield _finding(
            where, "hidden-content", "it holds a script, a template or foreign content", "Write the page without it."
        )
    if any(_is_foreign(address) for address in page.addresses):
        yield _finding(where, "foreign-address", "it names an address elsewhere", "Write the page without it.")
    yield from scrutiny.text(where, " \n".join(page.said))
    yield from scrutiny.hidden(where, " ".join(page.values))
    yield from _check_after(where, text)
    for number, table in enumerate(page.tables, start=1):
        yield from _check_page_table(f"{where}, table {number}", table, scrutiny)


def _check_after(where: str, text: str) -> Iterator[Finding]:
    if text.lower().rpartition("</html>")[2].strip() and "</html>" in text.lower():
        yield _finding(where, "hidden-content", "content stands after the end of the page", "Write the page again.")


def _check_page_table(where: str, table: _Table, scrutiny: Scrutiny) -> Iterator[Finding]:
    from .tables import check_heading

    rules = scrutiny.rules
    rows = [row for row in table.rows if len(row) > 1]
    headings = table.headings or (rows[0] if rows else [])
    if len(rows) > rules.longest and len(rows) >= (rules.cohort_size or 0):
        yield _finding(where, "too-long", "it has as many rows as a cohort has patients", "Show a summary.")
    for heading in headings:
        if names.normalised(heading) != "minimum":
            yield from check_heading(f"{where}, a heading", heading, rules)
    if len(rules.variables & {names.normalised(heading) for heading in headings}) >= 2 and not any(
        names.counted(heading) for heading in headings
    ):
        yield _finding(
            where,
            "row-level",
            "variables of the codebook are its columns: these are rows of patients",
            "Show a summary.",
        )
    yield from _check_cells(where, headings, rows, scrutiny)


def _check_cells(where: str, headings: list[str], rows: list[list[str]], scrutiny: Scrutiny) -> Iterator[Finding]:
    minimum = scrutiny.rules.minimum_cell
    for place, heading in enumerate(headings):
        if names.counted(heading) is None:
            continue
        values = [_number(row[place]) for row in rows if len(row) == len(headings)]
        if any(value is not None and value == round(value) and 0 < value < minimum for value in values):
            yield _finding(
                f"{where}, column {heading!r}", "small-cell", f"a count is from 1 to {minimum - 1}", "Withhold it."
            )
    if scrutiny.traces is not None:
        yield from scrutiny.traces.in_rows(where, [[_number(cell) for cell in row] for row in rows])
    numbering = [[row[i] for row in rows if i < len(row)] for i in range(len(headings))]
    if _unkeyed(numbering, rows):
        yield _finding(
            where, "row-level", "nothing but numbers tells its rows apart", "Give rows names, or show a summary."
        )


def _unkeyed(columns: list[list[str]], rows: list[list[str]]) -> bool:
    texts = [values for values in columns if any(re.search(r"[^\W\d_]", value) for value in values)]
    return len(rows) > 25 and not texts and len(columns) >= 2


def _number(cell: str) -> float | None:
    text = cell.strip().replace("\N{MINUS SIGN}", "-")
    return float(text.replace(",", "")) if _NUMBER.fullmatch(cell.strip()) else None


def _finding(where: str, rule: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy=remedy)
