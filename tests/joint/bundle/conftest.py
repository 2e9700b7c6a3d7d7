"""A site's finished runs, written by hand in moments: a cohort, a model, and a validation of another site's model."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from biolab.joint import PrivateIdentity, Protocol, create_identity, export_bundle
from biolab.joint.example import middle_values
from biolab.joint.records import run_tags
from biolab.tracking import Store, embedded_store, experiment_name, log_model, recorded_run, registered_model_name


def write_site(store: Store, protocol: Protocol, site: str, *, validate: str | None = None) -> str:
    """Write a site's run, one model's run and, of another site's model, a validation; return the site run's id."""
    place = experiment_name(protocol.name)
    with recorded_run(
        store, experiment=place, name=site, tags=run_tags(protocol, role="site", site=site), description="**Cohort**"
    ) as parent:
        parent.params({"endpoint": {"tau": 48}, "seed": 5})
        parent.text("protocol.json", protocol.canonical)
        parent.dataset(
            name=f"made-up-{site}", digest="ab" * 32, schema={"age": "Float64"}, profile={"n": 300}, context="cohort"
        )
        parent.table("cohort", pl.DataFrame({"site": [site], "patients": [300], "events": [120]}))
        parent.curves([0, 6, 12], {"event_free": [1.0, 0.91, 0.8]})
    tags = run_tags(protocol, role="model", site=site, model="age", model_site=site)
    with recorded_run(store, experiment=place, name=f"{site} age", tags=tags, parent=parent.run_id) as run:
        run.metrics({"harrell_c": 0.68, "harrell_c.lower": 0.61, "harrell_c.upper": 0.7500000000000001})
        run.table("performance", pl.DataFrame({"model": ["age"], "estimate": [0.68]}))
        _log_model(run, store, protocol, site)
    if validate is not None:
        tags = run_tags(protocol, role="validation", site=site, model="age", model_site=validate)
        with recorded_run(store, experiment=place, name=f"age of {validate} at {site}", tags=tags) as run:
            run.params({"model_run_id": "0" * 32})
            run.text("protocol.json", protocol.canonical)
            run.metrics({"harrell_c": 0.64})
    return parent.run_id


def _log_model(run, store: Store, protocol: Protocol, site: str) -> None:
    folder = store.artifacts.parent / "to-release"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps({"coefficients": [0.3]}), encoding="utf-8")
    log_model(
        run,
        name="age",
        folder=folder,
        signature_input=middle_values([protocol.codebook[name] for name in ("age", "stage")]),
        signature_output=pl.DataFrame({"risk_score": [0.1, 0.2]}),
        registered_name=registered_model_name(protocol.name, "age", site),
        pip_requirements=["biolab"],
    )


@pytest.fixture(scope="session")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PrivateIdentity]:
    """Return the keys of both institutions and of a stranger."""
    home = tmp_path_factory.mktemp("keys")
    return {name: create_identity(name, home / name) for name in ("north", "south", "stranger")}


@pytest.fixture(scope="session")
def keys(identities: dict[str, PrivateIdentity]) -> dict[str, str]:
    """Return the public keys of the institutions, as a locked protocol names them."""
    return {name: identities[name].public_key for name in ("north", "south")}


@pytest.fixture(scope="session")
def site_store(protocol: Protocol, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return the northern institution's own store with its finished runs."""
    store = embedded_store(tmp_path_factory.mktemp("north"))
    write_site(store, protocol, "north", validate="south")
    return store


@pytest.fixture(scope="session")
def bundle(site_store: Store, identities: dict[str, PrivateIdentity], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the northern institution's bundle."""
    path = tmp_path_factory.mktemp("sent") / "north.zip"
    export_bundle(site_store, "made-up", identities["north"], path)
    return path


@pytest.fixture
def new_store(tmp_path: Path) -> Callable[[str], Store]:
    """Make empty stores."""
    return lambda name: embedded_store(tmp_path / name)
