"""Child seeds are independent of each other and of the order they are asked in."""

from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import spawn_seed

WORDS = st.lists(st.text(alphabet="abcxyz-", min_size=1, max_size=6), min_size=1, max_size=4)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(0, 2**31), WORDS, WORDS)
def test_names_decide(seed: int, names: list[str], others: list[str]) -> None:
    assert 0 <= spawn_seed(seed, *names) < 2**63
    assert (spawn_seed(seed, *names) == spawn_seed(seed, *others)) == (names == others)


def test_words_do_not_run_together() -> None:
    assert spawn_seed(0, "ab", "c") != spawn_seed(0, "a", "bc")
    assert spawn_seed(1, 2) != spawn_seed(12)
