"""Figures of sequences: what is drawn is the frame, words stay inside, and nothing to draw is said."""

from xml.etree import ElementTree

import polars as pl
import pytest

from biolab.reports import Legend, figures

LONG = "a name that goes on and on and on and on and does not fit anywhere at all"
POSITIONS = pl.DataFrame(
    {
        "position": [1, 2, 3], "median": [38, 36, 20], "lower_quartile": [35, 30, 12], "upper_quartile": [40, 38, 30],
        "q10": [30, 20, 2], "q90": [41, 40, 37], "a_share": [0.3, 0.3, 0.3], "c_share": [0.2, 0.2, 0.2],
        "g_share": [0.2, 0.2, 0.2], "t_share": [0.3, 0.29, 0.28], "other_share": [0.0, 0.01, 0.02],
    }
)  # fmt: skip
SPECTRUM = pl.DataFrame({"multiplicity": [1, 2, 20, 21], "kmers": [900, 12, 400, 380]})
PAIRS = pl.DataFrame({"first": ["a", "a", LONG], "second": ["b", LONG, "b"], "distance": [0.1, 0.25, float("inf")]})
ITEMS = pl.DataFrame(
    {"track": ["cuts", "cuts", LONG], "start": [5, 7, 80], "end": [6, 8, 100], "label": ["EcoRI", "EcoRV", LONG]}
)
PRIMERS = pl.DataFrame(
    {
        "name": ["left", LONG, "right"], "start": [4, 10, 900], "end": [24, 30, 921], "strand": [1, 1, -1],
        "melting_temperature_c": [58.0, 58.1, 61.5], "gc_share": [0.5, 0.4, 0.55],
    }
)  # fmt: skip


def draw(name: str, language: str = "en", *, nothing: bool = False):
    legend = Legend(language=language)

    def cut(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.clear() if nothing else frame

    made = {
        "read_quality": lambda: figures.read_quality(cut(POSITIONS), legend),
        "kmer_spectrum": lambda: figures.kmer_spectrum(cut(SPECTRUM), legend, k=21),
        "pairwise_matrix": lambda: figures.pairwise_matrix(cut(PAIRS), legend, value="distance"),
        "sequence_map": lambda: figures.sequence_map(cut(ITEMS), legend, length=100),
        "primer_map": lambda: figures.primer_map(cut(PRIMERS), legend, length=1000),
    }
    return made[name]()


def words(figure) -> list[str]:
    picture = figures.svg(figure, name="test", description="")
    return [node.text or "" for node in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


NAMES = ("read_quality", "kmer_spectrum", "pairwise_matrix", "sequence_map", "primer_map")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_draw_is_said(name):
    assert words(draw(name, nothing=True)) == ["No results to draw."]


@pytest.mark.parametrize("name", NAMES)
def test_words_stay_inside(name):
    figure = draw(name, "ko")
    figure.draw_without_rendering()
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    for text in texts:
        box = text.get_window_extent()
        assert -0.02 * figure.bbox.width <= box.x0, text
        assert box.x1 <= 1.04 * figure.bbox.width, text
    assert figure.get_label()


def test_what_is_drawn_is_the_frame():
    (median,) = draw("read_quality").findobj(lambda artist: artist.get_gid() == "median")
    assert median.get_ydata().tolist() == [38, 36, 20]
    assert {"0.10", "0.25"} <= set(words(draw("pairwise_matrix")))
    assert "EcoRI" in words(draw("sequence_map"))


def test_letters_are_named_above_their_lines():
    figure = draw("read_quality")
    figure.draw_without_rendering()
    letters = figure.axes[1]
    highest = letters.transData.transform((0, max(line.get_ydata().max() for line in letters.get_lines())))[1]
    assert letters.get_legend().get_window_extent().y0 > highest


def test_primers_point_to_their_3_prime_ends_at_their_melting_temperature():
    first, _, last = draw("primer_map").findobj(lambda artist: artist.get_gid() == "primer")
    assert first.get_xy()[2].tolist() == [24, 58.0]
    assert last.get_xy()[2].tolist() == [900, 61.5]
    assert "right (GC 55 %)" in words(draw("primer_map"))
