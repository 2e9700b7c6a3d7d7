"""Near misses are named."""

import pytest

from biolab.core import did_you_mean


@pytest.mark.parametrize(
    ("name", "said"),
    [("agee", "Did you mean 'age'?"), ("zzz", "Known names: age, nodes."), ("", "Known names: age, nodes.")],
)
def test_nearest_or_all(name: str, said: str) -> None:
    assert did_you_mean(name, {"nodes", "age"}) == said


def test_capitals_do_not_hide_a_name() -> None:
    assert did_you_mean("pH", ["ph", "temperature_c"]) == "Did you mean 'ph'?"
    assert did_you_mean("GBSG", ["Gbsg", "Rotterdam"]) == "Did you mean 'Gbsg'?"
