"""Every shipped experiment's protocol says what it should; the full runs are slow tests."""

from pathlib import Path

import polars as pl
import pytest

from biolab.core import ConfigError
from biolab.joint import Comparison, Protocol, run_experiment
from biolab.joint.protocol_file import read_protocol_file
from biolab.tracking import embedded_store

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
SHIPPED = sorted(folder.name for folder in EXPERIMENTS.iterdir() if (folder / "protocol.toml").is_file())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_protocol_reads_back_from_its_canonical_form(name: str) -> None:
    protocol = Protocol.load(EXPERIMENTS / name)
    assert protocol.name == name
    assert Protocol.model_validate_json(protocol.canonical).sha256 == protocol.sha256
    assert (EXPERIMENTS / name / "README.md").is_file()


def test_the_gene_list_is_part_of_the_digest(tmp_path: Path) -> None:
    content, _ = read_protocol_file(EXPERIMENTS / "breast-expression")
    genes = content["panels"]["genes"]["features"]
    assert len(genes) == 7106
    for name in ("protocol.toml", "genes.txt"):
        (tmp_path / name).write_bytes((EXPERIMENTS / "breast-expression" / name).read_bytes())
    (tmp_path / "genes.txt").write_text("\n".join(genes[1:]), encoding="utf-8")
    with pytest.raises(ConfigError, match="agreed on another list"):
        Protocol.load(tmp_path)
    (tmp_path / "genes.txt").unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        Protocol.load(tmp_path)
    text = (tmp_path / "protocol.toml").read_text(encoding="utf-8")
    (tmp_path / "protocol.toml").write_text(text.replace('"genes.txt"', '"../genes.txt"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="lies outside"):
        Protocol.load(tmp_path)


def test_what_sites_share_is_written_out_and_can_be_overridden(tmp_path: Path) -> None:
    protocol = Protocol.load(EXPERIMENTS / "lung-ncctg")
    assert len(protocol.sites) == 18
    assert {site.dataset for site in protocol.sites.values()} == {"lung-ncctg"}
    text = (EXPERIMENTS / "lung-ncctg" / "protocol.toml").read_text(encoding="utf-8")
    own = '[sites.inst-01]\ncolumns = { ecog = { column = "zubrod" } }\n'
    (tmp_path / "protocol.toml").write_text(text.replace("[sites.inst-01]\n", own), encoding="utf-8")
    changed = Protocol.load(tmp_path)
    assert changed.sites["inst-01"].columns["ecog"].column == "zubrod"
    assert changed.sites["inst-01"].columns["age"] == changed.sites["inst-03"].columns["age"]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("breast-expression", '"TYMS", "UBE2C"', '"TYMS", "UBE2"', "no feature 'UBE2'"),
        ("breast-expression", 'panel = "genes"\nl1', 'panel = "gene"\nl1', "Did you mean 'genes'?"),
        ("breast-expression", "[sites.duke]", "[sites.others]", "stands for all other sites pooled"),
        ("breast-grade", 'positive = "3"', 'positive = "4"', "endpoint.positive is '4'"),
        ("breast-grade", 'positive = "3"\n', "", "positive names the code"),
        ("breast-grade", 'kind = "logistic"\nname = "logistic"', 'kind = "ridge"\nname = "logistic"', "has boosted"),
        ("breast-grade", "leaf_size = 20", "leaf_size = 5", "at least 10 patients"),
        ("breast-grade", '[{ variable = "pgr"', '[{ variable = "grade" }, { variable = "pgr"', "what is predicted"),
        ("breast-grade", "cut = [50, 65]\n", "", "needs cut points if it is a number"),
        ("breast-prognosis", "horizons = [24, 36, 60]\n", "", "must rise and end at or before tau"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    for file in (EXPERIMENTS / name).iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (tmp_path / "protocol.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "protocol.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Protocol.load(tmp_path)
    assert said in str(caught.value)


def run(name: str, folder: Path) -> Comparison:
    return run_experiment(Protocol.load(EXPERIMENTS / name), embedded_store(folder))


@pytest.mark.slow
def test_expression_signatures_do_not_beat_the_proliferation_index(tmp_path: Path) -> None:
    found = run("breast-expression", tmp_path)
    assert set(found.validation["metric"]) == {"harrell_c", "uno_c", "time_dependent_auc"}
    assert found.calibration.is_empty()
    summary = {
        (row["model"], row["setting"]): row["estimate"]
        for row in found.transport.filter(metric="harrell_c").iter_rows(named=True)
    }
    assert summary["signature", "abroad"] < summary["signature", "home"]
    assert 0.6 < summary["proliferation", "abroad"] < 0.66
    sizes = found.signatures.filter(model="signature").group_by("site").len()
    patients = dict(found.cohorts.select("site", "patients").iter_rows())
    assert all(size <= patients[site] / 3 for site, size in sizes.iter_rows())


@pytest.mark.slow
def test_eighteen_institutions_show_what_they_may(tmp_path: Path) -> None:
    found = run("lung-ncctg", tmp_path)
    withheld = found.withheld.filter(pl.col("model").is_null())
    assert withheld.height == found.cohorts.filter(pl.col("patients") > 0).height == 9
    shown = set(found.cohorts["site"])
    assert not shown & set(withheld["site"])
    assert set(found.validation["test_site"]) == shown
    pooled = {
        row["term"]: row["hazard_ratio"] for row in found.pooled.filter(model="ecog-sex-age").iter_rows(named=True)
    }
    assert pooled["ecog"] > 1.3
    assert pooled["sex[female]"] < 0.8
