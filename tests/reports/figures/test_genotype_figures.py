import re

import numpy as np
import polars as pl
import pytest

from biolab.reports import Legend, figures


def groups(figure, prefix):
    return figure.findobj(lambda artist: (artist.get_gid() or "").startswith(prefix))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_components_are_drawn_in_groups_that_keep_their_names(language):
    chance = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"pc1": chance.normal(size=40), "pc2": chance.normal(size=40), "group": ["others", "kin"] * 20}
    )
    figure = figures.genetic_components(frame, Legend(language=language, sites={"kin": "Kinship"}), shares=[0.05, 0.01])
    said = figures.svg(figure, name="x", description="")
    assert "others (20)" in said
    assert "Kinship (20)" in said
    assert "5.0 %" in said
    assert sum(len(one.get_xdata()) for one in groups(figure, "group-")) == 40
    assert figures.genetic_components(frame.drop("pc2"), Legend()).get_size_inches()[1] < 1


def test_scores_are_drawn_as_shares_of_each_group():
    z = np.random.default_rng(1).normal(size=200)
    frame = pl.DataFrame({"score": ["a"] * 200, "group": ["in", "out"] * 100, "z": z})
    both = pl.concat([frame, frame.with_columns(score=pl.lit("b"))])
    figure = figures.score_distribution(both, Legend())
    steps = groups(figure, "scores-")
    assert len(steps) == 4
    assert all(sum(one.get_data().values) == pytest.approx(1.0, abs=0.02) for one in steps)
    assert re.search("a, b", str(figure.get_label()))
    assert figures.score_distribution(both.clear(), Legend()).get_size_inches()[1] < 1
