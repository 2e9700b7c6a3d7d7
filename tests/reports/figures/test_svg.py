import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from biolab.reports.figures import svg
from biolab.reports.figures.theme import families, theme

HARD = ["한글 표제와 수치 1.5", "$not_math$ & <b>bold</b>", "중앙값 \N{SNOWFLAKE} — ≤20 mm", "漢字 かな 🙂"]


def drawn(texts: list[str]) -> Figure:
    with theme():
        figure = Figure(figsize=(4, 2))
        for place, text in enumerate(texts):
            figure.text(0.1, 0.1 + 0.2 * place, text, fontweight="bold" if place % 2 else "normal")
    return figure


def words(picture: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_text_stays_text_in_any_script_without_a_warning():
    assert words(svg(drawn(HARD), name="hard", description="")) == HARD


def test_more_unknown_letters_than_a_reader_ever_sees_at_once():
    many = "".join(chr(0xAC00 + 7 * place) for place in range(900))
    assert words(svg(drawn([many]), name="many", description="")) == [many]


def test_the_figure_is_left_as_it_was():
    figure = drawn(HARD)
    before = [(text.get_text(), text.get_fontfamily()) for text in figure.texts]
    svg(figure, name="first", description="")
    assert [(text.get_text(), text.get_fontfamily()) for text in figure.texts] == before


def test_the_bytes_do_not_depend_on_the_callers_settings_or_fonts(monkeypatch):
    once = svg(drawn(HARD), name="same", description="x")
    with mpl.rc_context({"font.family": "serif", "svg.fonttype": "path", "svg.hashsalt": None}):
        assert svg(drawn(HARD), name="same", description="x") == once
    monkeypatch.setattr("biolab.reports.figures.theme._KOREAN_FAMILIES", ())
    assert families() == ["DejaVu Sans"]
    assert svg(drawn(HARD), name="same", description="x") == once


def test_korean_fonts_of_every_system_are_offered_and_ids_carry_the_name():
    picture = svg(drawn(["글"]), name="plate", description='says "<this>"')
    for family in ("Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", "sans-serif"):
        assert family in picture
    ids = re.findall(r'\bid="([^"]*)"', picture)
    assert ids
    assert all(name == "plate" or name.startswith("plate-") for name in ids)
    assert ElementTree.fromstring(picture).get("aria-label") == 'says "<this>"'
    assert "metadata" not in picture


@pytest.mark.parametrize("name", ["rdf", "purl.org", "matplotlib.org"])
def test_nothing_names_an_outside_place(name):
    assert name not in svg(drawn(["a"]), name="a", description="")
