"""Every kind of error has the exit code that the README promises."""

import pytest

from biolab import core


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (core.BiolabError, 1),
        (core.FitError, 1),
        (core.DataError, 3),
        (core.ConfigError, 3),
        (core.TrackingError, 4),
        (core.MissingExtraError, 5),
    ],
)
def test_exit_codes(kind: type[core.BiolabError], code: int) -> None:
    assert kind("x").exit_code == code
    assert issubclass(kind, core.BiolabError)
