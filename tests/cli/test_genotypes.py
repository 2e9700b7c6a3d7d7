"""The steps of a genotype study from the command line: each writes its files and says what it did."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biolab.cli import main
from biolab.genotypes import (
    associate,
    genotypes_from_dosage,
    read_dosages,
    read_plink,
    score,
    synthetic_genotypes,
)

GOLD = Path(__file__).parents[1] / "validation" / "plink"
WEIGHTS = ("variant_id", "effect_allele", "other_allele")


def step(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> dict:
    with pytest.raises(SystemExit) as caught:
        main([*map(str, words), "--json"])
    assert int(caught.value.code or 0) == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    chance = np.random.default_rng(0)
    given = synthetic_genotypes(120, 90, seed=chance).genotypes
    dosage = given.dosage()
    dosage[3, :30] = np.nan
    genotypes_from_dosage(dosage, variants=given.variants, samples=given.samples).write(folder / "raw")
    people = given.samples.select(FID="fid", IID="iid").with_columns(
        y=pl.Series(chance.normal(size=90)),
        ill=pl.Series(chance.integers(2, size=90)),
        month=pl.Series(chance.random(90)),
    )
    people.write_csv(folder / "people.tsv", separator="\t")
    people.head(40).select("FID", "IID").write_csv(folder / "reference.tsv", separator="\t")
    for name in ("one", "two"):
        weights = given.variants.select(*WEIGHTS).with_columns(pl.Series(name, chance.normal(size=120)))
        weights.head(50).write_csv(folder / f"{name}.tsv", separator="\t")
    return folder


@pytest.fixture(scope="module")
def clean(raw: Path) -> Path:
    with pytest.raises(SystemExit):
        main(["genotypes", "qc", f"{raw}/raw", "--out", f"{raw}/study/clean", "--missing-of-sample", "none"])
    return raw / "study" / "clean"


def test_inspect_and_qc_say_what_is_there_and_what_went(raw, tmp_path, capsys):
    seen = step(capsys, "genotypes", "inspect", raw / "raw")
    assert seen["metrics"]["variants"] == 120
    assert sum(seen["chromosomes"].values()) == 120
    done = step(capsys, "genotypes", "qc", raw / "raw", "--out", tmp_path / "clean", "--hardy-weinberg", "none")
    removed = pl.read_csv(tmp_path / "clean.removed.tsv", separator="\t")
    assert removed.filter(step="missing_of_variant")["name"].to_list() == ["v4"]
    assert done["settings"]["hardy_weinberg"] is None
    assert done["metrics"]["variants"] == read_plink(tmp_path / "clean").shape[0]
    said = step(capsys, "genotypes", "qc", raw / "raw", "--out", tmp_path / "none", "--heterozygosity-sd", 1e-9, code=3)
    assert "nothing passes" in said["error"]


def test_components_are_found_and_projected_back(clean, tmp_path, capsys):
    words = ("--components", 2, "--window", 0)
    done = step(
        capsys, "genotypes", "pca", clean, "--out", tmp_path / "c.tsv", "--weights", tmp_path / "w.parquet", *words
    )
    assert len(done["eigenvalues"]) == 2
    step(capsys, "genotypes", "project", clean, tmp_path / "w.parquet", "--out", tmp_path / "p.tsv")
    own, again = (pl.read_csv(tmp_path / name, separator="\t") for name in ("c.tsv", "p.tsv"))
    np.testing.assert_allclose(own.select("pc1", "pc2"), again.select("pc1", "pc2"), atol=1e-10)


def test_scores_of_two_files_stand_side_by_side(raw, clean, tmp_path, capsys):
    words = (raw / "one.tsv", raw / "two.tsv", "--reference", raw / "reference.tsv", "--out", tmp_path / "s.tsv")
    done = step(capsys, "genotypes", "score", clean, *words)
    table = pl.read_csv(tmp_path / "s.tsv", separator="\t")
    assert done["scores"] == ["one", "two"]
    assert table["in_reference"].sum() == done["metrics"]["reference"] == 40
    assert {"one", "one_average", "one_z", "one_percentile", "two"} <= set(table.columns)
    assert table.filter("in_reference")["two_percentile"].mean() == pytest.approx(50)
    assert pl.read_csv(tmp_path / "s.matching.tsv", separator="\t").height == 100
    said = step(
        capsys, "genotypes", "score", clean, raw / "one.tsv", raw / "one.tsv", "--out", tmp_path / "t.tsv", code=3
    )
    assert "score 'one'" in said["error"]


def test_scans_of_one_site_and_of_sums(raw, clean, tmp_path, capsys):
    words = (raw / "people.tsv", "--outcome", "y", "--covariate", "month")
    done = step(capsys, "genotypes", "associate", clean, *words, "--out", tmp_path / "scan.tsv.gz")
    assert done["settings"]["outcome"] == ["y"]
    step(capsys, "genotypes", "sums", clean, *words, "--out", tmp_path / "sums.parquet")
    step(capsys, "genotypes", "combine", tmp_path / "sums.parquet", "--out", tmp_path / "pooled.tsv.gz")
    one, two = (
        pl.read_csv(tmp_path / name, separator="\t", null_values="NA") for name in ("scan.tsv.gz", "pooled.tsv.gz")
    )
    np.testing.assert_allclose(one["beta"].fill_null(0), two["beta"].fill_null(0), rtol=1e-6)
    people = pl.read_csv(raw / "people.tsv", separator="\t").rename({"FID": "fid", "IID": "iid"})
    direct = associate(read_plink(clean), people, outcome="y", covariates=["month"])
    np.testing.assert_allclose(one["p_value"].fill_null(1), direct["p_value"].fill_null(1), rtol=1e-9)
    said = step(
        capsys,
        "genotypes",
        "associate",
        clean,
        raw / "people.tsv",
        "--outcome",
        "yy",
        "--out",
        tmp_path / "x.tsv",
        code=3,
    )
    assert "'yy'" in said["error"]
    said = step(
        capsys,
        "genotypes",
        "associate",
        clean,
        *words,
        "--with",
        raw / "people.tsv",
        "--out",
        tmp_path / "x.tsv",
        code=3,
    )
    assert "both have a column 'y'" in said["error"]


def test_imputed_dosages_of_a_vcf(tmp_path, capsys):
    file, weights, people = (GOLD / f"imputed-{name}" for name in ("out.vcf", "weights.tsv", "people.tsv"))
    seen = step(capsys, "genotypes", "inspect", file)
    assert (seen["metrics"]["variants"], seen["metrics"]["samples"]) == (30, 60)
    done = step(capsys, "genotypes", "score", file, weights, "--out", tmp_path / "s.tsv")
    assert done["metrics"]["first.rows.matched"] + done["metrics"]["first.rows.swapped"] == 30
    table = score(read_dosages(file), weights).scores
    np.testing.assert_allclose(pl.read_csv(tmp_path / "s.tsv", separator="\t")["first"], table["first"], rtol=1e-9)
    words = (people, "--outcome", "height", "--covariate", "age")
    step(capsys, "genotypes", "associate", file, *words, "--out", tmp_path / "scan.tsv")
    step(capsys, "genotypes", "sums", file, *words, "--out", tmp_path / "sums.parquet")
    step(capsys, "genotypes", "combine", tmp_path / "sums.parquet", "--out", tmp_path / "pooled.tsv")
    one, two = (pl.read_csv(tmp_path / f"{name}.tsv", separator="\t")["beta"] for name in ("scan", "pooled"))
    np.testing.assert_allclose(one, two, rtol=1e-8)
    said = step(capsys, "genotypes", "qc", file, "--out", tmp_path / "clean", code=3)
    assert "is a VCF or BCF file" in said["error"]
    said = step(capsys, "genotypes", "project", file, people, "--out", tmp_path / "p.tsv", code=3)
    assert "The panel has no column 'variant_id'" in said["error"]


@pytest.mark.slow
def test_a_study_becomes_a_run_and_a_page(raw, clean, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("BIOLAB_TRACKING_URI", raising=False)
    folder = clean.parent
    summaries = {
        "clean": ("qc", raw / "raw", "--out", clean),
        "components": ("pca", clean, "--out", folder / "components.tsv", "--components", 2),
        "scores": (
            "score",
            clean,
            raw / "one.tsv",
            "--reference",
            raw / "reference.tsv",
            "--out",
            folder / "scores.tsv",
        ),
    }
    for model, outcome in (("linear", ["y"]), ("logistic", ["ill"]), ("cox", ["month", "ill"])):
        words = [word for name in outcome for word in ("--outcome", name)]
        out = ("--out", folder / f"scan.{model}.tsv.gz", "--model", model)
        summaries[f"scan.{model}"] = ("associate", clean, raw / "people.tsv", *words, *out)
    for name, words in summaries.items():
        (folder / f"{name}.json").write_text(json.dumps(step(capsys, "genotypes", *words)))
    store = ("--output", tmp_path / "mlflow")
    run = step(capsys, "genotypes", "record", folder, "--name", "toy", *store)
    stored = "\n".join(path.read_text() for path in (tmp_path / "mlflow" / "artifacts").rglob("*.json"))
    assert "leads" in str(list((tmp_path / "mlflow" / "artifacts").rglob("*.json")))
    assert '"s17"' not in stored
    for language in ("en", "ko"):
        made = step(capsys, "genotypes", "page", folder, "--out", tmp_path / f"{language}.html", "--language", language)
        page = Path(made["page"]).read_text()
        assert run["run_id"] in page
        assert page.count("<svg") == 2 + 2 * 3
        assert "http://" not in page.replace("http://www.w3.org", "")
