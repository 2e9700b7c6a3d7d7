"""What a site checks before it runs is what its run releases."""

from pathlib import Path

from polars.testing import assert_frame_equal

from biolab.joint import Protocol, check_site
from biolab.joint.description import cohort_tables


def test_check_shows_what_a_run_releases(protocol: Protocol, files: dict[str, Path], north) -> None:
    checked = check_site(protocol, "north", files["north"])
    for name, table in cohort_tables(protocol, north, "north").items():
        assert_frame_equal(checked[name], table)
