import dataclasses
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import polars as pl
import pytest

from biolab.core import ConfigError
from biolab.reports import LANGUAGES, page
from biolab.reports.language import prose
from biolab.reports.page import SECTIONS

VOID = {"meta", "br", "hr", "img", "link", "input", "use", "path"}


class Reader(HTMLParser):
    """Collects what the tests ask about and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def pages(comparison) -> dict[str, str]:
    return {language: page(comparison, language=language) for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_asks_nothing_of_the_outside(pages, language):
    reader = read(pages[language])
    names = {tag for tag, _ in reader.tags}
    assert not names & {"script", "link", "iframe", "img", "object", "embed", "video", "audio", "base"}
    for _, attributes in reader.tags:
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"@import|url\((?!#)", pages[language])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_accessible(pages, language):
    reader = read(pages[language])
    attributes = dict(reader.tags[0][1])
    assert reader.tags[0][0] == "html"
    assert attributes["lang"] == language
    ids = [found["id"] for _, found in reader.tags if "id" in found]
    assert len(ids) == len(set(ids))
    links = {found["href"][1:] for tag, found in reader.tags if tag in {"a", "use"} and found.get("href")}
    assert links <= set(ids)
    assert all(found.get("scope") for tag, found in reader.tags if tag == "th")
    pictures = [found for tag, found in reader.tags if tag == "svg"]
    assert len(pictures) == 18
    assert all(found["role"] == "img" and found["aria-label"] for found in pictures)
    assert set(SECTIONS) <= set(ids)
    heads = [tag for tag, _ in reader.tags if tag in {"h1", "h2"}]
    assert heads.count("h1") == 1
    assert len(heads) == 1 + len(SECTIONS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_who_was_dropped_and_where_numbers_come_from(comparison, pages, language):
    said = " ".join(" ".join(read(pages[language]).text).split())
    for row in comparison.flow.iter_rows(named=True):
        assert row[f"reason_{language}"] in said
    assert comparison.protocol.sha256 in said
    for name in comparison.runs["run_id"]:
        assert name in said
    for name, version in comparison.versions.iter_rows():
        assert name in said
        assert version in said
    assert comparison.protocol.question[language] in said
    assert prose(language)("common.suppressed", {"minimum": "10"}) in said
    assert not re.search(r"\bnan\b", said, re.IGNORECASE)
    assert "None" not in said


@pytest.mark.slow
def test_two_renders_are_the_same_bytes_and_hold_each_figure_as_a_file_of_its_own(small, small_plates):
    whole = page(small)
    assert whole == page(small, drawn=small_plates)
    files = small_plates.files
    assert set(files) == {
        "kaplan-meier.svg", "transport.svg", "forest-reference.svg", "forest-cox.svg", "matrix-harrell-c.svg",
        "matrix-calibration-slope.svg", "matrix-observed-expected-60.svg", "differences.svg", "calibration-60.svg",
        "pooled-harrell-c.svg", "pooled-calibration-slope.svg",
    }  # fmt: skip
    for content in files.values():
        assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
        assert content in whole


def test_labels_are_escaped(small):
    evil = '<img src=x onerror="alert(1)">&'
    hard = dataclasses.replace(
        small,
        sites=small.sites.with_columns(label_en=pl.lit(evil)),
        models=small.models.with_columns(label_en=pl.lit(evil), description_en=pl.lit(evil)),
        flow=small.flow.with_columns(reason_en=pl.lit(evil)),
        characteristics=small.characteristics.with_columns(label_en=pl.lit(evil), level=pl.lit(evil)),
        coefficients=small.coefficients.with_columns(label_en=pl.lit(evil), term=pl.lit('t"e<r>m')),
        runs=small.runs.with_columns(role=pl.lit(evil)),
        calibration=small.calibration.clear(),
    )
    reader = read(page(hard))
    assert not any(tag == "img" or "onerror" in attributes for tag, attributes in reader.tags)
    assert evil in "".join(reader.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_site_makes_a_page_that_says_so(one_site, language):
    html = page(one_site, language=language)
    said = "".join(read(html).text)
    assert {"en": "nothing can be said about how", "ko": "기관이 한 곳뿐"}[language] in said


def test_missing_cells_are_said_and_counted(small, small_plates):
    holes = small.validation.with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(float("nan")).otherwise(pl.col("estimate")).alias("estimate"),
        pl.when(pl.int_range(pl.len()) == 5).then(None).otherwise(pl.col("upper")).alias("upper"),
    )
    said = "".join(read(page(dataclasses.replace(small, validation=holes), drawn=small_plates)).text)
    assert "interval not available" in said
    assert "not available" in said
    assert "1 of 24 planned results are not available" in said
    assert not re.search(r"\bnan\b", said)


def test_a_comparison_without_results_is_still_a_page(comparison):
    names = ("coefficients", "pooled", "validation", "differences", "calibration", "flow", "characteristics", "at_risk",
             "survival_curves", "runs")  # fmt: skip
    empty = dataclasses.replace(comparison, **{name: getattr(comparison, name).clear() for name in names})
    said = "".join(read(page(empty)).text)
    assert "there is no answer to give" in said
    assert "None of the models has hazard ratios" in said


def test_an_unknown_language_is_refused(comparison):
    with pytest.raises(ConfigError, match="'de'"):
        page(comparison, language="de")
