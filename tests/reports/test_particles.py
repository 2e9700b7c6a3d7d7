import pytest

from biolab.reports.particles import Word, with_particle


@pytest.mark.parametrize(
    ("word", "pair", "joined"),
    [
        ("환자", "이/가", "환자가"),
        ("병원", "이/가", "병원이"),
        ("서울", "으로/로", "서울로"),
        ("부산", "으로/로", "부산으로"),
        ("GBSG", "은/는", "GBSG는"),
        ("Rotterdam", "은/는", "Rotterdam은"),
        ("독일 연구회(GBSG)", "이/가", "독일 연구회(GBSG)가"),
        ("0.95 (0.83–1.07)", "으로/로", "0.95 (0.83–1.07)로"),
        ("0.96 (0.83–1.07)", "으로/로", "0.96 (0.83–1.07)으로"),
        ("0.91", "으로/로", "0.91로"),
        ("boosting", "을/를", "boosting을"),
        ("(…)", "이/가", "(…)가"),
        ("", "이/가", "가"),
    ],
)
def test_the_particle_follows_the_last_sound(word, pair, joined):
    assert with_particle(word, pair) == joined


def test_a_word_formats_with_a_pair_or_like_any_string():
    assert f"{Word('모형'):이/가} {Word('a'):>3}" == "모형이   a"
