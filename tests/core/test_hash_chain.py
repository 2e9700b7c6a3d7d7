"""The hash chain: whatever is changed in it is found, at the first place where it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core.hash_chain import Break, breaks, digest_of, first_break, linked

BODIES = st.lists(
    st.dictionaries(
        st.sampled_from(["what", "value", "값"]), st.one_of(st.integers(), st.text('aé한😀 "\\\n\u2028\0'), st.none())
    ),
    min_size=3,
    max_size=8,
)


def chain_of(bodies):
    entries = []
    for body in bodies:
        entries.append(linked(entries[-1] if entries else None, body))
    return entries


@settings(derandomize=True, max_examples=30, deadline=None)
@given(BODIES, st.data())
def test_every_change_is_found_where_it_was_made(bodies, data):
    entries = chain_of(bodies)
    assert first_break(entries) is None
    place = data.draw(st.integers(0, len(entries) - 1))
    change = data.draw(st.sampled_from(["content", "digest", "removed", "twice"]))
    spoilt = list(entries)
    if change == "content":
        spoilt[place] = {**entries[place], "what": "something else entirely"}
    elif change == "digest":
        spoilt[place] = {**entries[place], "digest": "0" * 64}
    elif change == "removed":
        del spoilt[place]
    else:
        spoilt.insert(place, entries[place])
    broken = first_break(spoilt)
    if change == "removed" and place == len(entries) - 1:
        assert broken is None  # a cut end still hangs together: that is what a kept head is for
        return
    assert broken is not None
    assert broken.place == place + 1 + (change == "twice")


def test_a_forged_entry_breaks_the_next():
    entries = chain_of([{"a": 1}, {"a": 2}, {"a": 3}])
    forged = {**entries[1], "a": 9}
    forged["digest"] = digest_of(forged)
    assert first_break([entries[0], forged, entries[2]]) == Break(
        3, "it does not follow the line before it (a line was removed, inserted or moved)"
    )


def test_all_breaks_are_found_not_the_first_alone():
    entries = chain_of([{"a": number} for number in range(6)])
    spoilt = [entries[0], {**entries[1], "a": 9}, entries[2], *entries[4:]]
    assert [each.place for each in breaks(spoilt)] == [2, 4]


def test_an_entry_says_only_what_json_can():
    with pytest.raises(ValueError, match="Out of range"):
        linked(None, {"value": float("nan")})
    assert first_break([{"sequence": 1, "value": float("nan"), "previous": "", "digest": ""}]).place == 1
