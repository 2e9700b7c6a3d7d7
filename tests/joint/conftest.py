"""A small joint experiment of two made-up institutions."""

from pathlib import Path

import pytest

from biolab.joint import Protocol

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_protocol() -> Protocol:
    """Return the protocol of the main job."""
    return Protocol.load(ROOT / "experiments" / "breast-prognosis")
