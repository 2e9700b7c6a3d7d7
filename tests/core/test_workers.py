"""Work shared with another process: in order, heard, and ended as a whole by any error."""

import os
from functools import partial

import pytest

from biolab.core import BiolabError, DataError
from biolab.core.workers import Advance, Workers


def described(number: int, *, advance: Advance) -> tuple[int, int, str]:
    advance(f"task {number}")
    return number, os.getpid(), os.environ["OMP_NUM_THREADS"]


def refused(*, advance: Advance) -> None:
    advance("reading")
    raise DataError("age.csv: row 3 holds -1")


def lost(*, advance: Advance) -> None:
    advance("dying")
    os._exit(7)


def patient(*, advance: Advance) -> int:
    while True:  # until the other's end is heard
        advance("waiting")


def test_shared_with_another_process() -> None:
    heard: list[str] = []
    before = os.environ.get("OMP_NUM_THREADS")
    with Workers(1, threads=3, preload=("json", "os:getpid")) as workers:
        found = workers.share([partial(described, number) for number in range(4)], advance=heard.append)
        assert [number for number, _, _ in found] == [0, 1, 2, 3]
        assert {pid == os.getpid() for _, pid, _ in found} == {True, False}
        assert {threads for _, _, threads in found} == {"3"}
        assert sorted(heard) == [f"task {number}" for number in range(4)]
        with pytest.raises(DataError, match="row 3 holds -1"):
            workers.share([patient, refused], advance=heard.append)
        with pytest.raises(BiolabError, match="ended with code 7"):
            workers.share([patient, lost], advance=heard.append)
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_alone_without_workers() -> None:
    heard: list[str] = []
    with Workers(0, threads=1) as workers:
        assert [pid for _, pid, _ in workers.share([partial(described, 1)], advance=heard.append)] == [os.getpid()]
        with pytest.raises(DataError):
            workers.share([refused], advance=heard.append)
    assert heard == ["task 1", "reading"]
