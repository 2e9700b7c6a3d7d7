"""Canonical JSON: one content, one digest."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import canonical_json, sha256_hex

LETTERS = 'aé한😀 "\\\n\u2028\0'
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(LETTERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.dictionaries(st.text(LETTERS, max_size=5), JSON, max_size=5))
def test_order_of_keys_does_not_matter_and_content_survives(content: dict[str, object]) -> None:
    turned = dict(reversed(list(content.items())))
    assert canonical_json(content) == canonical_json(turned)
    assert json.loads(canonical_json(content)) == content


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": value})


def test_digest_is_sha256() -> None:
    assert sha256_hex(b"biolab") == hashlib.sha256(b"biolab").hexdigest()
