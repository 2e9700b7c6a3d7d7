import dataclasses

import polars as pl
import pytest

from biolab.reports import LANGUAGES, answer, legend_of
from biolab.reports.answer import findings
from biolab.reports.language import prose


def moved_differences(comparison, shift):
    gap = pl.col("difference", "lower", "upper") + shift
    return dataclasses.replace(comparison, differences=comparison.differences.with_columns(gap))


def test_the_best_model_is_the_highest_of_each_external_direction(comparison):
    headline, found = findings(comparison, legend_of(comparison))
    assert headline == ("harrell_c", None)
    assert [(one.train_site, one.test_site) for one in found] == [("rotterdam", "gbsg"), ("gbsg", "rotterdam")]
    for one in found:
        here = comparison.validation.filter(
            (pl.col("train_site") == one.train_site)
            & (pl.col("test_site") == one.test_site)
            & (pl.col("metric") == "harrell_c")
        )
        assert one.value.estimate == here["estimate"].max()
        assert one.model == here.sort("estimate")["model"][-1]


@pytest.mark.parametrize(
    ("shift", "lead", "sentence"),
    [
        (0.0, "in 1 of 2 directions", "no clear difference"),
        (0.05, "in every direction", "better on these patients"),
        (-0.012, "no model can be said", "no clear difference"),
        (-0.2, "no model can be said", "worse on these patients"),
    ],
)
def test_a_difference_is_clear_only_with_its_whole_interval(comparison, shift, lead, sentence):
    said = answer(moved_differences(comparison, shift))
    assert lead in said.lead[0]
    assert any(sentence in text for card in said.cards for text in card.sentences)
    if shift == 0.05:
        assert not any("no clear difference" in text for card in said.cards for text in card.sentences)


def test_a_reference_that_is_best_itself_is_said_so(comparison):
    reference = pl.col("model") == "reference"
    better = pl.when(reference).then(pl.col("estimate") + 0.2).otherwise(pl.col("estimate"))
    said = answer(dataclasses.replace(comparison, validation=comparison.validation.with_columns(estimate=better)))
    assert "no model can be said" in said.lead[0]
    assert all("the reference model itself" in card.sentences[0] for card in said.cards)


@pytest.mark.parametrize(
    ("shift", "words", "carried"),
    [(0.0, "the loss is not certain", "1 of 2"), (-0.2, "clearly below", "0 of 2"), (0.2, "clearly above", "2 of 2")],
)
def test_transport_is_judged_against_the_model_grown_there(comparison, shift, words, carried):
    external = pl.col("train_site") != pl.col("test_site")
    c = external & (pl.col("metric") == "harrell_c")
    columns = [
        pl.when(c).then(pl.col(name) + shift).otherwise(pl.col(name)).alias(name)
        for name in ("estimate", "lower", "upper")
    ]
    said = answer(dataclasses.replace(comparison, validation=comparison.validation.with_columns(columns)))
    assert carried in said.lead[1]
    assert any(words in text for card in said.cards for text in card.sentences)


def test_calibration_is_read_against_one(comparison):
    first, second = answer(comparison).cards
    assert "compatible with 1" in first.sentences[3]
    assert "too extreme" in second.sentences[3]
    assert "risk is underestimated" in first.sentences[4]
    assert "risk is overestimated" in second.sentences[4]
    assert "60 months" in first.sentences[4]


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_site_says_nothing_about_others(one_site, language):
    said = answer(one_site, language=language)
    assert said.lead == (prose(language)("answer.lead_internal"),)
    assert len(said.cards) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_results_there_is_no_answer(comparison, language):
    nothing = dataclasses.replace(comparison, validation=comparison.validation.clear())
    assert answer(nothing, language=language).lead == (prose(language)("answer.lead_nothing"),)
    unknown = comparison.validation.with_columns(estimate=pl.lit(float("nan")))
    assert answer(dataclasses.replace(comparison, validation=unknown), language=language).cards == ()


def test_missing_companions_are_said_to_be_missing(comparison):
    only_c = comparison.validation.filter(
        (pl.col("metric") == "harrell_c") & (pl.col("train_site") != pl.col("test_site"))
    )
    bare = dataclasses.replace(comparison, validation=only_c, differences=comparison.differences.clear())
    card = answer(bare).cards[0]
    assert "is not available" in card.sentences[1]
    assert "no result of the same model" in card.sentences[2]
    assert "slope is not available" in card.sentences[3]
    assert "end of follow-up is not available" in card.sentences[4]
