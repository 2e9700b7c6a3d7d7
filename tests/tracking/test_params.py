import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError
from biolab.tracking.params import PARAM_LIMIT, flatten, shorten

words = st.text("abc", min_size=1, max_size=3)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.lists(st.integers())
trees = st.recursive(leaves, lambda inner: st.dictionaries(words, inner, min_size=1, max_size=3), max_leaves=8)


def unflatten(flat):
    tree = {}
    for key, value in flat.items():
        *branches, leaf = key.split(".")
        place = tree
        for branch in branches:
            place = place.setdefault(branch, {})
        place[leaf] = json.loads(value)
    return tree


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.dictionaries(words, trees, max_size=4))
def test_flattened_settings_can_be_put_together_again(settings_tree):
    assert unflatten(flatten(settings_tree)) == settings_tree


def test_text_is_logged_as_it_is():
    assert flatten({"ties": "efron"}) == {"ties": "efron"}


def test_two_settings_under_one_key_are_refused():
    with pytest.raises(ConfigError, match=r"'a\.b'"):
        flatten({"a.b": 1, "a": {"b": 2}})


def test_a_cut_value_says_so_and_fits():
    cut = shorten("x" * 10_000, "params/terms.txt")
    assert len(cut) == PARAM_LIMIT
    assert cut.endswith("(cut; whole in params/terms.txt)")
    assert shorten("short", "params/terms.txt") == "short"
