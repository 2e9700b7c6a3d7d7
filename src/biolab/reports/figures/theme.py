"""The look of every figure: one type scale, thin rules, nothing drawn that carries no data."""

import unicodedata
from collections.abc import Generator
from contextlib import contextmanager

from matplotlib import font_manager, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import NullLocator

from biolab.core import sha256_hex
from biolab.reports.legend import INK, MUTED, RULE

WIDTH_IN = 7.4
TEXT_PT, SMALL_PT, HEAD_PT = 8.0, 7.0, 8.5
LINE_IN = 0.165
EDGE_IN = 0.02
_PLACEHOLDER = "figure-in-a-notebook"
MEASURED_FAMILY = "DejaVu Sans"  # comes with matplotlib, so every machine lays a figure out alike
_KOREAN_FAMILIES = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "NanumGothic",
    "Noto Sans CJK JP",
)


def families() -> list[str]:
    """List the fonts to draw with: matplotlib's own, then whichever Korean one this machine has."""
    here = {font.name for font in font_manager.fontManager.ttflist}
    return [MEASURED_FAMILY, *[name for name in _KOREAN_FAMILIES if name in here][:1]]


@contextmanager
def theme() -> Generator[None]:
    """Draw with this room's settings whatever the caller's rcParams are; the caller's are untouched."""
    settings = {
        "font.family": families(),
        "font.size": TEXT_PT,
        "text.color": INK,
        "text.parse_math": False,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.labelsize": TEXT_PT,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "figure.facecolor": "white",
        "hatch.linewidth": 0.5,
        "hatch.color": RULE,
        "svg.fonttype": "none",
        "svg.hashsalt": "biolab",
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": SMALL_PT,
        "ytick.labelsize": SMALL_PT,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "xtick.major.size": 3.0,
        "ytick.major.size": 3.0,
    }
    with style.context(["default", settings]):
        yield


class Drawing(Figure):
    """A figure that a notebook shows as the SVG of a page; its label is read out to those who don't see it."""

    def _repr_html_(self) -> str:
        from .svg import svg  # which draws with this module's theme

        content = svg(self, name=_PLACEHOLDER, description=str(self.get_label()))
        return content.replace(_PLACEHOLDER, f"figure-{sha256_hex(content.encode())[:8]}")  # ids differ on one page


def canvas(height_in: float, *, width_in: float = WIDTH_IN) -> Figure:
    """Make an empty figure of a height in inches."""
    return Drawing(figsize=(width_in, height_in))


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes at a place given in inches from the lower left corner."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def sheet(figure: Figure) -> Axes:
    """Cover the figure with bare axes whose units are inches from the lower left corner."""
    across, up = figure.get_size_inches()
    axes = place(figure, 0, 0, across, up)
    axes.set_xlim(0, across)
    axes.set_ylim(0, up)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(NullLocator())
    axes.set_axis_off()
    return axes


def write(  # noqa: PLR0913 - a text has a place and a look
    figure: Figure,
    x_in: float,
    y_in: float,
    text: str,
    *,
    ha: str = "left",
    size: float = TEXT_PT,
    colour: str = INK,
    bold: bool = False,
) -> Text:
    """Write one line at a place given in inches from the lower left corner."""
    across, up = figure.get_size_inches()
    weight = "bold" if bold else "normal"
    return figure.text(
        x_in / across, y_in / up, text, ha=ha, va="center", fontsize=size, color=colour, fontweight=weight
    )


def cells(text: str) -> float:
    """Estimate how wide a text is, in average Latin letters; East Asian letters take 1.7.

    >>> cells("Cox"), cells("나이")
    (3.0, 3.4)
    """
    return sum(1.7 if unicodedata.east_asian_width(letter) in "WF" else 1.0 for letter in text)


def width_in(text: str, size: float = TEXT_PT) -> float:
    """Estimate the width of a text in inches in the fonts that readers have."""
    return cells(text) * size * 0.59 / 72


def shorten(text: str, available_in: float, size: float = TEXT_PT) -> str:
    """Cut a text that is too wide for its place and mark the cut; tables carry it in full.

    >>> shorten("Cox", 1.0), shorten("Cox regression with a very long name", 1.0)
    ('Cox', 'Cox regression…')
    """
    text = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    if width_in(text, size) <= available_in:
        return text
    kept = text
    while kept and width_in(kept + "…", size) > available_in:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def wrap(text: str, available_in: float, size: float = TEXT_PT) -> list[str]:
    """Set a text on two lines at most, broken between words.

    >>> wrap("German group", 0.5, 7.0), wrap("Rotterdam", 1.0, 7.0)
    (['German', 'group'], ['Rotterdam'])
    """
    words = text.split()
    first = 1
    while first < len(words) and width_in(" ".join(words[: first + 1]), size) <= available_in:
        first += 1
    lines = [" ".join(words[:first]), " ".join(words[first:])]
    return [shorten(line, available_in, size) for line in lines if line]


def empty(message: str) -> Figure:
    """Say in a figure's place that there is nothing to draw."""
    figure = canvas(0.8)
    write(figure, WIDTH_IN / 2, 0.4, message, ha="center", colour=MUTED)
    return figure
