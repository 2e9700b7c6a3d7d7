import re
from pathlib import Path
from string import Formatter

import numpy as np
import pytest

from biolab.core import ConfigError
from biolab.joint.best_model import ADJUSTED
from biolab.joint.pooled_performance import method_of, pool
from biolab.reports import LANGUAGES
from biolab.reports.language import prose

SOURCE = Path(__file__).parents[2] / "src" / "biolab" / "reports"


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_both_languages_have_the_same_keys():
    assert prose("en").entries.keys() == prose("ko").entries.keys()


def test_both_languages_name_the_same_values():
    english, korean = prose("en").entries, prose("ko").entries
    assert {key: placeholders(english[key]) for key in english} == {key: placeholders(korean[key]) for key in korean}


def test_no_sentence_is_empty_and_korean_is_korean():
    for key, sentence in prose("ko").entries.items():
        assert sentence.strip()
        letters = re.sub(r"\{[^}]*\}", "", sentence)
        wordless = {
            "direction.external_short",
            "figure.heterogeneity",
            "common.range",
            "metric.at",
            "answer.promise_and",
            "metric.auc",
            "bioprocess.quantity_ph",
            "sequences.primer",
            "metric.r2",
        }
        assert re.search("[가-힣]", letters) or key in wordless or key.endswith("_short"), key


def test_every_key_that_the_code_says_is_there_and_none_is_idle():
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*") if path.suffix in {".py", ".j2"})
    entries = prose("en").entries.keys()
    said = set(re.findall(r"""say\(["']([a-z_]+\.[a-z_0-9]+)["']""", code))
    said |= set(re.findall(r"""prose\(["']([a-z_]+\.[a-z_0-9]+)["']""", code))
    assert said
    assert said <= entries
    assembled = ("time.", "metric.", "unit.", "section.", "reading.", "methods.", "limitations.", "console.",
                 "provenance.", "answer.", "patients.flow_", "prediction.caption_", "figure.better_", "page.",
                 "direction.", "best.", "pooled.", "fairness.", "missing.", "verification.", "use.", "state.",
                 "transport.", "withheld.", "pooling_method.", "role.", "figure.predicted_", "figure.observed_",
                 "bioprocess.", "control_room.", "monitoring.")  # fmt: skip
    assert {key for key in entries - said if not key.startswith(assembled)} == set()


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(KeyError, match=r"answer\.best"):
        prose("en")("answer.bests")


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="en"):
        prose("eng")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_missing_label_is_read_from_the_other_language(language):
    assert prose(language).pick({"label_en": "Age", "label_ko": "Age"}, "label") == "Age"
    assert prose("ko").pick({"label_en": "Age", "label_ko": None}, "label") == "Age"
    assert prose("en").pick({}, "label") == ""


@pytest.mark.parametrize("sites", [2, 3])
def test_every_way_of_pooling_is_said_in_korean(sites):
    method = method_of(pool(np.linspace(0.1, 0.3, sites), np.full(sites, 0.1), confidence=0.95))
    for name in (method, f"{method}; {ADJUSTED}"):
        assert not re.search("interval|limits", prose("ko").word("pooling_method", name))
        assert prose("en").word("pooling_method", name).startswith("REML with a")
    assert prose("ko").word("pooling_method", "median") == "median"


def test_durations_know_their_unit_and_one_is_singular():
    assert prose("en").duration(1, "year") == "1 year"
    assert prose("en").duration(60.0, "month") == "60 months"
    assert prose("ko").duration(2.5, "year") == "2.5년"
    assert prose("en").duration(3, "visit") == "3 visit"
    assert prose("en").time_axis("visit") == "visit"
