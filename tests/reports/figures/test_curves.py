"""Curves in panels: one colour a name in all panels, limits where they belong, words in the key."""

import numpy as np
from matplotlib.colors import same_color

from biolab.reports.figures import curves

TIME = np.linspace(0, 14, 60)
PANELS = {
    "역가, g/L": {"표준": (TIME, TIME), "나의 레시피": (TIME, 2 * TIME)},
    "포도당, g/L": {"나의 레시피": (TIME[::6], 3 - TIME[::6] / 7)},
}


def drawn():
    return curves(PANELS, across="일", limits={"포도당, g/L": (0.8,)})


def test_a_name_has_one_colour_in_all_panels():
    first, second = drawn().axes
    colours = {line.get_gid(): line.get_color() for line in first.lines}
    assert same_color(second.lines[0].get_color(), colours["나의 레시피"])
    assert not same_color(colours["표준"], colours["나의 레시피"])


def test_limits_stand_in_their_panel_and_few_points_are_dots():
    first, second = drawn().axes
    assert [line.get_gid() for line in first.lines] == ["표준", "나의 레시피"]
    assert second.lines[0].get_marker() == "o"
    assert list(second.lines[1].get_ydata()) == [0.8, 0.8]


def test_titles_and_key_are_written():
    words = {text.get_text() for text in drawn().texts}
    assert {"역가, g/L", "포도당, g/L", "표준", "나의 레시피"} <= words


def test_a_curve_without_a_name_has_no_key():
    figure = curves({"포도당, g/L": {"": (TIME, TIME)}}, across="일")
    assert not figure.artists
    assert drawn().artists
    assert figure.get_label() == "포도당, g/L"


def test_nothing_to_draw_is_said():
    assert not curves({}, across="h").axes
