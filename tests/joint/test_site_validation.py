"""A site judges the models of others from another store: as one computer would, only what holds, and each once."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from biolab.core import DataError
from biolab.joint import (
    Comparison,
    PrivateIdentity,
    Protocol,
    create_identity,
    sign_runs,
    validate_one_site,
    validation_steps,
    verified_models,
)
from biolab.joint.matrix import cells
from biolab.tracking import Store, embedded_store, find_runs, load_released, read_table

from .reported import three_sites, write_site


def validations(store: Store, site: str):
    return find_runs(store, protocol="made-up", role="validation", site=site)


def test_validations_from_another_store_are_those_of_one_computer(
    protocol: Protocol, files: dict[str, Path], store: Store, comparison: Comparison, tmp_path: Path
) -> None:
    assert comparison.sites.height == 2
    own, steps = embedded_store(tmp_path / "own"), []
    words = {"site": "north", "file": files["north"], "source": store}
    done = validate_one_site(protocol, own, **words, advance=steps.append)
    assert (len(done.written), done.refused, done.waiting, done.signed) == (len(protocol.models), (), (), False)
    assert len(steps) == validation_steps(protocol) - 1  # not signed
    before = {run.model: run for run in validations(store, "north")}
    for run in validations(own, "north"):
        assert run.metrics == before[run.model].metrics
        for table in ("performance", "differences", "calibration"):
            there = read_table(store, before[run.model].run_id, table)
            assert_frame_equal(read_table(own, run.run_id, table), there, check_exact=True)
    again = validate_one_site(protocol, own, **words)
    assert (again.written, set(again.standing)) == ((), set(done.written))


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PrivateIdentity]:
    place = tmp_path_factory.mktemp("keys")
    return {site: create_identity(site, place / site) for site in ("north", "south")}


@pytest.fixture(scope="module")
def keyed(people: dict[str, PrivateIdentity]) -> Protocol:
    return three_sites({site: identity.public_key for site, identity in people.items()})


def test_a_tampered_model_is_refused(keyed: Protocol, people: dict[str, PrivateIdentity], tmp_path: Path) -> None:
    source = embedded_store(tmp_path / "source")
    runs = write_site(source, keyed, "south")
    sign_runs(source, runs.values(), people["south"])
    models = verified_models(keyed, source, ["south", "east"])
    assert models.refused == ()
    assert models.models["south"].keys() == {"age", "full"}
    run = models.models["south"]["full"]
    file = load_released(source, run.run_id) / "model.json"
    file.write_text(file.read_text(encoding="utf-8").replace("0.3", "0.9"), encoding="utf-8")
    with pytest.raises(DataError, match="its files are not those that south signed"):
        models.load(keyed, run)
    after = verified_models(keyed, source, ["south", "east"])
    assert after.models["south"].keys() == {"age"}
    (refused,) = after.refused
    assert (refused.site, refused.model, after.is_refused("south", "full")) == ("south", "full", True)
    assert refused.reason.startswith("changed: models.full.files.model.json, signed ")


def test_unsigned_models_are_not_used_where_there_are_keys(
    keyed: Protocol, files: dict[str, Path], tmp_path: Path
) -> None:
    source = embedded_store(tmp_path / "source")
    write_site(source, keyed, "south")
    done = validate_one_site(keyed, embedded_store(tmp_path / "own"), site="north", file=files["north"], source=source)
    assert done.written == ()
    assert set(done.waiting) == {"south", "east"}
    assert [each.reason for each in done.refused] == ["unsigned"] * 3
    assert done.facts["refused"][0].keys() == {"name", "site", "model", "reason"}


def test_too_few_events_judge_no_model(keyed: Protocol, files: dict[str, Path], tmp_path: Path) -> None:
    few = tmp_path / "few.csv"
    pl.read_csv(files["north"]).head(12).write_csv(few)
    done = validate_one_site(keyed, embedded_store(tmp_path / "own"), site="north", file=few)
    assert done.withheld
    assert done.written == ()


def test_the_matrix_has_the_places_that_the_protocol_exchanges(protocol: Protocol) -> None:
    assert len(cells(protocol)) == len(protocol.models) * 4
    pooled = protocol.evaluation.model_copy(update={"exchange": ("pooled",)})
    third = {**protocol.sites, "east": protocol.sites["north"]}
    alone = protocol.model_copy(update={"evaluation": pooled, "sites": third})
    assert {(train, test) for _, train, test in cells(alone)} == {
        *((site, site) for site in third), *(("others", site) for site in third),
    }  # fmt: skip
