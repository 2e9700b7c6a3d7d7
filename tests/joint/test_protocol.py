"""A protocol says everything once, is strict about it, and its digest names it."""

import json
from pathlib import Path

import pytest

from biolab.core import ConfigError
from biolab.joint import Protocol

SOURCE = (Path(__file__).resolve().parents[2] / "experiments" / "breast-prognosis" / "protocol.toml").read_text(
    encoding="utf-8"
)


def written(folder: Path, old: str, new: str) -> Path:
    assert SOURCE.count(old) >= 1
    (folder / "protocol.toml").write_text(SOURCE.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("horizons = [24", "horizon = [24", "endpoint.horizon is not a known key. Did you mean 'horizons'?"),
        ("tau = 60", "tau = 48", "must rise and end at or before tau = 48"),
        ('reference = "age-nodes"', 'reference = "age_nodes"', "Did you mean 'age-nodes'?"),
        ('variable = "age", per', 'variable = "aeg", per', "Did you mean 'age'?"),
        ('name = "cox-ridge"', 'name = "cox"', "model names repeat"),
        ("replicates = 500", "replicates = 5", "evaluation.replicates is 5"),
        ('version = "1.1.0"', 'version = "one"', "protocol.version is 'one'"),
        ("minimum_cell = 10", "minimum_cell = 1", "release.minimum_cell is 1"),
        ('kind = "boosted_hazard"', 'kind = "boosted"', "models"),
    ],
)
def test_fault_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Protocol.load(written(tmp_path, old, new))
    assert said in str(caught.value)
    assert "protocol.toml" in str(caught.value)


def test_missing_file_and_broken_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        Protocol.load(tmp_path)
    (tmp_path / "protocol.toml").write_text("[protocol", encoding="utf-8")
    with pytest.raises(ConfigError, match="not TOML"):
        Protocol.load(tmp_path)


def test_digest_depends_on_content_not_on_layout(tmp_path: Path, real_protocol: Protocol) -> None:
    same = Protocol.load(written(tmp_path, "folds = 5\nreplicates = 500", "replicates = 500 # as before\nfolds = 5"))
    other = Protocol.load(written(tmp_path, "folds = 5\n", "folds = 4\n"))
    assert same.sha256 == real_protocol.sha256 != other.sha256


def test_canonical_form_reads_back(real_protocol: Protocol) -> None:
    again = Protocol.model_validate_json(real_protocol.canonical)
    assert again.sha256 == real_protocol.sha256
    assert json.loads(real_protocol.canonical)["protocol"]["name"] == "breast-prognosis"


def test_another_seed_is_another_protocol(real_protocol: Protocol) -> None:
    assert real_protocol.with_seed(None) is real_protocol
    assert real_protocol.with_seed(real_protocol.evaluation.seed).sha256 == real_protocol.sha256
    assert real_protocol.with_seed(1).sha256 != real_protocol.sha256


def test_grid_holds_horizons_and_tau(real_protocol: Protocol) -> None:
    grid = real_protocol.grid
    assert set(real_protocol.endpoint.horizons) | {real_protocol.endpoint.tau} <= set(grid)
    assert list(grid) == sorted(set(grid))
    assert grid[-1] == real_protocol.endpoint.tau
