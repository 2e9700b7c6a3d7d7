"""Several curves in small panels: what a lesson compares, with the limits it must keep."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from biolab.reports.legend import INK, SITE_COLOURS

from .layout import rule
from .theme import SMALL_PT, WIDTH_IN, canvas, empty, place, shorten, theme, width_in, write

Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]
_LEFT, _RIGHT, _GAP, _COLUMNS = 0.5, 0.12, 0.5, 3
_PANEL_IN, _HEAD_IN, _AXIS_IN, _KEY_IN, _ROW_IN = 1.35, 0.3, 0.5, 0.3, 0.17
_FEW = 25


@theme()
def curves(panels: Mapping[str, Curves], *, across: str, limits: Mapping[str, Sequence[float]] | None = None) -> Figure:
    """Draw named curves in titled panels; a name has one colour in all of them.

    Parameters
    ----------
    panels
        For each title the curves by name, each its x and y. A curve of few points is drawn as dots.
    across
        What the x axes say.
    limits
        By title, values to draw as dashed lines.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    if not names:
        return empty("-")
    columns = min(_COLUMNS, len(panels))
    lines, keys = -(-len(panels) // columns), _rows([name for name in names if name])
    block = _HEAD_IN + _PANEL_IN + _AXIS_IN
    figure = canvas(_KEY_IN + (len(keys) - 1) * _ROW_IN + lines * block)
    figure.set_label(": ".join(filter(None, ("; ".join(panels), ", ".join(names)))))
    _key(figure, keys, names)
    wide = (WIDTH_IN - _LEFT - _RIGHT - _GAP * (columns - 1)) / columns
    for number, (title, panel) in enumerate(panels.items()):
        line, column = divmod(number, columns)
        left, bottom = _LEFT + column * (wide + _GAP), (lines - 1 - line) * block + _AXIS_IN
        axes = place(figure, left, bottom, wide, _PANEL_IN)
        write(figure, left, bottom + _PANEL_IN + 0.13, shorten(title, wide + _GAP / 2), bold=True)
        for name, (x, y) in panel.items():
            axes.plot(x, y, _style(y), color=_colour(names, name), linewidth=1.2, markersize=2.8, gid=name)
        for limit in (limits or {}).get(title, ()):
            axes.axhline(limit, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel(across)
        rule(axes)
    return figure


def _style(y: ArrayLike) -> str:
    return "o" if np.size(y) <= _FEW else "-"


def _colour(names: Sequence[str], name: str) -> str:
    return SITE_COLOURS[names.index(name) % len(SITE_COLOURS)]


def _rows(names: Sequence[str]) -> list[list[str]]:
    """Set names into rows that are as wide as a figure."""
    rows: list[list[str]] = [[]]
    for name in names:
        if rows[-1] and sum(width_in(each, SMALL_PT) + 0.45 for each in [*rows[-1], name]) > WIDTH_IN - _LEFT:
            rows.append([])
        rows[-1].append(name)
    return rows


def _key(figure: Figure, rows: Sequence[Sequence[str]], names: Sequence[str]) -> None:
    """Say which colour is what, row by row from the top."""
    height = figure.get_size_inches()[1]
    for number, row in enumerate(rows):
        x, y = _LEFT, height - 0.12 - number * _ROW_IN
        for name in row:
            line = Line2D(
                [x / WIDTH_IN, (x + 0.2) / WIDTH_IN], [y / height] * 2, color=_colour(names, name), linewidth=1.8
            )
            figure.add_artist(line)
            write(figure, x + 0.26, y, name, size=SMALL_PT)
            x += width_in(name, SMALL_PT) + 0.45
