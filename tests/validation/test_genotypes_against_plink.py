"""Genotype work against PLINK 2 and PLINK 1.9 as Debian ships them: versions and commands stand in plink/commands.txt.

Made by plink_gold.py; PLINK prints six digits, so agreement is to a few units of the sixth.
"""

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from biolab import genotypes as gt

FOLDER = Path(__file__).with_name("plink")
CLOSE = {"rtol": 1.2e-5, "atol": 2e-9}
SCORES = ("first", "second")


def gold(name: str) -> pl.DataFrame:
    lines = [line.split() for line in (FOLDER / name).read_text().splitlines() if line.strip()]
    head = [word.lstrip("#") for word in lines[0]]
    frame = pl.DataFrame(lines[1:], schema=dict.fromkeys(head, pl.String), orient="row")
    numbers = [frame[column].replace({"NA": None, "nan": None}).cast(pl.Float64, strict=False) for column in head]
    texts = {
        "ID",
        "IID",
        "FID",
        "SNP",
        "A1",
        "FID1",
        "IID1",
        "FID2",
        "IID2",
        "SP2",
        "ERRCODE",
        "STATUS",
        "FIRTH?",
        "REF",
        "ALT",
    }
    return pl.DataFrame([frame[c] if c in texts else numbers[k] for k, c in enumerate(head)])


@cache
def toy() -> gt.Genotypes:
    return gt.read_plink(FOLDER / "toy")


@cache
def autosomes() -> gt.Genotypes:
    return gt.autosomal(toy())


@cache
def people() -> pl.DataFrame:
    return pl.read_csv(FOLDER / "people.tsv", separator="\t", null_values="NA").rename({"#FID": "fid", "IID": "iid"})


@cache
def weights() -> pl.DataFrame:
    return pl.read_csv(FOLDER / "weights.tsv", separator="\t")


def same(found, expected, **close):
    expected = expected.to_numpy() if isinstance(expected, pl.Series) else expected
    found = found.cast(pl.Float64).to_numpy() if isinstance(found, pl.Series) else found
    np.testing.assert_allclose(found, expected, **(CLOSE | close))


@pytest.mark.slow  # needs pgenlib, which make check installs
def test_pgen_holds_what_the_bed_holds():
    found = gt.read_plink(FOLDER / "toy2")
    np.testing.assert_array_equal(found.dosage(), toy().dosage())
    assert found.variants.equals(toy().variants)
    assert found.samples.equals(toy().samples)


def test_frequencies():
    table, expected = gt.allele_frequency(toy()).table(), gold("freq.afreq")
    assert table["variant_id"].to_list() == expected["ID"].to_list()
    frequency = pl.DataFrame(
        {"f": table["effect_allele_frequency"], "alt": expected["ALT"], "a": table["effect_allele"]}
    )
    assert (frequency["alt"] == frequency["a"]).all()
    # a heterozygous call of a male on X is half a copy to PLINK, none to biolab; it marks the two whose sex is wrong
    males = toy().select(samples=pl.col("sex") == "male").dosage()
    clear = pl.Series((males != 1).all(axis=1)) | (table["chromosome"] != "X")
    assert clear.sum() > 210
    same(frequency.filter(clear)["f"], expected.filter(clear)["ALT_FREQS"], rtol=5e-6)
    assert table.filter(clear)["observed_alleles"].to_list() == expected.filter(clear)["OBS_CT"].to_list()


def test_missing_calls():
    found = gt.missingness(toy())
    variants, samples = gold("missing.vmiss"), gold("missing.smiss")
    assert found.table()["missing"].to_list() == variants["MISSING_CT"].cast(pl.Int64).to_list()
    assert found.sample_table()["missing"].to_list() == samples["MISSING_CT"].cast(pl.Int64).to_list()
    same(found.sample_table()["missing_rate"], samples["F_MISS"])


@pytest.mark.parametrize(("file", "mid_p"), [("hardy.hardy", False), ("hardy-midp.hardy", True)])
def test_hardy_weinberg(file, mid_p):
    table, expected = gt.hardy_weinberg(autosomes(), mid_p=mid_p).table(), gold(file)
    assert table["heterozygous"].to_list() == expected["HET_A1_CT"].cast(pl.Int64).to_list()
    same(table["p_value"], expected["MIDP" if mid_p else "P"])


def test_heterozygosity():
    table = gt.heterozygosity(toy()).table()
    for file, count in (("het.het", "OBS_CT"), ("het19.het", "N(NM)")):
        expected = gold(file)
        # PLINK 1.9 prints four digits; both count calls at variants that do not vary, which say nothing of F
        digits = 6e-4 if file == "het19.het" else 1e-5
        same(table["f"], expected["F"], rtol=digits, atol=1e-5)
        assert count in expected.columns


def test_sex_check():
    table, expected = gt.sex_check(toy()).table(), gold("sex.sexcheck")
    genetic = {1.0: "male", 2.0: "female", 0.0: None}
    assert table["genetic_sex"].to_list() == [genetic[code] for code in expected["SNPSEX"]]
    same(table["f"], expected["F"], rtol=5e-4, atol=5e-4)


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("score", {}),
        ("score-zero", {"missing": "zero"}),
        ("score-center", {"scaling": "center"}),
        ("score-standardize", {"scaling": "standardize"}),
    ],
)
def test_scores_as_plink_makes_them(file, options):
    found, expected = gt.score(autosomes(), weights(), plink_compatible=True, **options), gold(f"{file}.sscore")
    assert found.scores["allele_count"].to_list() == expected["ALLELE_CT"].cast(pl.Int64).to_list()
    for name in SCORES:
        same(found.scores[name], expected[f"{name}_SUM"], rtol=2e-5, atol=1e-5)
        same(found.scores[f"{name}_average"], expected[f"{name}_AVG"], rtol=2e-5, atol=1e-7)


def test_centred_scores_differ_from_plink_where_calls_are_missing_and_only_there():
    ours, theirs = (
        gt.score(autosomes(), weights(), scaling="center", ambiguous="keep", plink_compatible=c).scores
        for c in (False, True)
    )
    used = autosomes().select(variants=weights()["variant_id"].to_list())
    absent = np.isnan(used.dosage())
    assert ((np.abs(ours["first"].to_numpy() - theirs["first"].to_numpy()) > 1e-9) == absent.any(axis=0)).all()


def linear(**options):
    return gt.associate(autosomes(), people(), outcome="height", covariates=["age", "site"], **options)


def test_linear_scan():
    same_effects(linear(), gold("linear.height.glm.linear"), "BETA", "SE", "T_STAT")


def logistic(**options):
    return gt.associate(
        autosomes(), people(), outcome="disease", covariates=["age", "site"], model="logistic", **options
    )


@pytest.mark.slow  # its kernel takes long to compile in a fresh clone
def test_logistic_scan_with_firth_where_needed():
    found, expected = logistic(), gold("logistic.disease.glm.logistic.hybrid").with_columns(BETA=pl.col("OR").log())
    tested = expected["P"].is_not_null()
    assert found.filter(tested)["firth"].to_list() == (expected.filter(tested)["FIRTH?"] == "Y").to_list()
    assert found["firth"].sum() == 1
    finished = (expected["ERRCODE"] == ".") & (expected["FIRTH?"] == "N")  # this PLINK stops early at some, and says so
    assert finished.sum() > 170
    found, expected = found.filter(finished), expected.filter(finished)
    sign = np.where(found["effect_allele"] == expected["A1"], 1.0, -1.0)
    same(found["beta"].to_numpy() * sign, expected["BETA"], rtol=2e-4, atol=2e-5)
    away = np.abs(found["standard_error"].to_numpy() / expected["LOG(OR)_SE"].to_numpy() - 1)
    assert np.quantile(away, 0.95) < 2e-5  # the rest are those of PLINK's last step but one
    assert away.max() < 0.02


def r_scan(name):
    return pl.read_csv(FOLDER / "r_scans.csv", null_values="NA").select(
        "variant_id", beta=name, standard_error=f"{name}_error"
    )


@pytest.mark.slow  # its kernel takes long to compile in a fresh clone
def test_logistic_scan_against_r():
    found, expected = logistic(firth="never"), r_scan("logistic")
    fitted = found["p_value"].is_not_null()
    assert found.filter(~fitted)["reason"].to_list() == ["constant", "separated"]
    same(found.filter(fitted)["beta"], expected.filter(fitted)["beta"], rtol=1e-7, atol=1e-9)
    same(found.filter(fitted)["standard_error"], expected.filter(fitted)["standard_error"], rtol=1e-7)


@pytest.mark.slow  # its kernel takes long to compile in a fresh clone
def test_cox_scan_against_r():
    found = gt.associate(
        autosomes(), people(), outcome=("time", "event"), covariates=["age", "site"], model="cox", missing="complete"
    )
    expected = r_scan("cox")
    fitted = found["p_value"].is_not_null()
    assert fitted.sum() >= 197
    same(found.filter(fitted)["beta"], expected.filter(fitted)["beta"], rtol=1e-6, atol=1e-8)
    same(found.filter(fitted)["standard_error"], expected.filter(fitted)["standard_error"], rtol=1e-6)


def test_linear_scan_of_mean_imputed_dosages_against_r():
    found, expected = linear(missing="mean"), r_scan("imputed")
    fitted = found["p_value"].is_not_null()
    same(found.filter(fitted)["beta"], expected.filter(fitted)["beta"], rtol=1e-8, atol=1e-10)
    same(found.filter(fitted)["standard_error"], expected.filter(fitted)["standard_error"], rtol=1e-8)


@pytest.mark.slow  # its kernel takes long to compile in a fresh clone
def test_firth_everywhere():
    """This PLINK ends its penalised fits early: most agree to four digits, the rest to a small part of their error."""
    found, expected = logistic(firth="always"), gold("firth.disease.glm.firth")
    finished = expected["ERRCODE"] == "."
    found, expected = found.filter(finished), expected.filter(finished)
    sign = np.where(found["effect_allele"] == expected["A1"], 1.0, -1.0)
    away = (
        np.abs(found["beta"].to_numpy() * sign - expected["OR"].log().to_numpy()) / found["standard_error"].to_numpy()
    )
    assert np.median(away) < 2e-5
    assert np.quantile(away, 0.8) < 1e-3
    assert away.max() < 0.08
    assert logistic(firth="always").filter(pl.col("variant_id") == "rs1011")["beta"][0] == pytest.approx(
        penalised("rs1011"), rel=1e-4
    )


def penalised(variant):
    """Maximise Firth's penalised likelihood without derivatives."""
    dosage = autosomes().dosage([variant])[0].astype(float)
    known = ~np.isnan(dosage)
    frame = people().select("age", "site", "disease").to_numpy().astype(float)[known]
    design = np.column_stack([np.ones(known.sum()), (frame[:, 0] - 55) / 9, frame[:, 1], dosage[known]])

    def loss(beta):
        eta = design @ beta
        p = expit(eta)
        information = design.T @ (design * (p * (1 - p))[:, None])
        return np.logaddexp(0, eta).sum() - frame[:, 2] @ eta - 0.5 * np.linalg.slogdet(information)[1]

    return minimize(
        loss, np.zeros(4), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 5000}
    ).x[3]


def same_effects(found, expected, beta, error, statistic):
    """PLINK 2 tests the rarer allele: turn ours where it counts the other one."""
    close = {"rtol": 2e-5, "atol": 2e-6}
    tested = expected["P"].is_not_null() & found["p_value"].is_not_null()
    assert (found["p_value"].is_null() == expected["P"].is_null()).all()
    found, expected = found.filter(tested), expected.filter(tested)
    sign = np.where(found["effect_allele"] == expected["A1"], 1.0, -1.0)
    assert found["n"].to_list() == expected["OBS_CT"].cast(pl.Int64).to_list()
    same(found["beta"].to_numpy() * sign, expected[beta], **close)
    same(found["standard_error"], expected[error], **close)
    same(found["statistic"].to_numpy() * sign, expected[statistic], **close)
    same(found["p_value"], expected["P"], rtol=5e-5)


def test_pruning():
    table = gt.prune(autosomes(), window=20, step=5, r2=0.15).table()
    expected = gold_names("prune19.prune.in")
    assert table.filter("kept")["variant_id"].to_list() == expected
    assert gold_names("prune.prune.in") == expected


def gold_names(name):
    return (FOLDER / name).read_text().split()


def test_clumps():
    scan = linear().select("variant_id", "p_value")
    found = gt.clump(autosomes(), scan, p1=0.05, p2=0.5, r2=0.1, window_bp=20_000)
    expected = gold("clump.clumped")
    assert found["variant_id"].to_list() == expected["SNP"].to_list()
    # members differ at the limit: PLINK 1.9 estimates haplotype frequencies, biolab correlates dosages
    theirs = [set(text.replace("(1)", "").split(",")) - {"NONE"} for text in expected["SP2"]]
    ours = [set(ids.split(",")) - {""} for ids in found["member_ids"]]
    shared = sum(len(a & b) for a, b in zip(ours, theirs, strict=True))
    assert shared / sum(len(a | b) for a, b in zip(ours, theirs, strict=True)) > 0.8


def test_king_robust():
    found = gt.kinship(toy(), at_least=0.02)
    expected = gold("king.kin0")
    ours = {
        frozenset((a, b)): (n, phi) for a, b, n, phi in found.select("iid1", "iid2", "variants", "kinship").iter_rows()
    }
    theirs = {
        frozenset((a, b)): (n, phi) for a, b, n, phi in expected.select("IID1", "IID2", "NSNP", "KINSHIP").iter_rows()
    }
    assert ours.keys() == theirs.keys()
    for pair, (n, phi) in theirs.items():
        assert ours[pair][0] == n
        assert ours[pair][1] == pytest.approx(phi, rel=1e-5)
    close = found.filter(pl.col("kinship") > 0.4).select("iid1", "iid2").rows()
    assert sorted(sorted(pair) for pair in close) == [["i6", "i78"], ["i7", "i79"]]


def test_relationship_matrix():
    expected = np.loadtxt(FOLDER / "rel.rel")
    np.testing.assert_allclose(gt.relationship_matrix(toy()).matrix, expected, rtol=2e-5, atol=2e-6)


def test_principal_components():
    found = gt.pca(toy(), components=4, seed=1)
    vectors = gold("pca.eigenvec").select("PC1", "PC2", "PC3", "PC4").to_numpy()
    values = np.loadtxt(FOLDER / "pca.eigenval")
    # PLINK divides by the variants called at both of a pair, biolab's streamed pass puts missing calls at the mean
    assert np.abs((found.components * vectors).sum(axis=0)).min() > 0.99
    np.testing.assert_allclose(found.eigenvalues, values, rtol=0.05)


def test_as_many_unrelated_samples_stay_as_plink_keeps():
    found = gt.unrelated(toy(), at_most=0.0884)
    assert found.metrics["removed"] == gold("unrelated.king.cutoff.out.id").height
    assert gt.kinship(toy().select(samples=found.kept), at_least=0.0884).is_empty()


# what PLINK 2 says of an imputed .pgen; its VCF, which has four digits of each dosage, says it to four
IMPUTED = [pytest.param("imputed", 1e-5, id="pgen"), pytest.param("imputed-out.vcf", 4e-4, id="vcf")]


@pytest.mark.slow  # the .pgen needs pgenlib, which make check installs
@pytest.mark.parametrize(("file", "close"), IMPUTED)
def test_frequencies_of_imputed_dosages(file, close):
    table, expected = gt.allele_frequency(gt.read_dosages(FOLDER / file)).table(), gold("imputed-freq.afreq")
    assert table["variant_id"].to_list() == expected["ID"].to_list()
    assert table["observed_alleles"].to_list() == expected["OBS_CT"].to_list()
    same(table["effect_allele_frequency"], expected["ALT_FREQS"], rtol=close)
    same(table["imputation_r2"], expected["MACH_R2"], rtol=close)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "close"), IMPUTED)
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("", {}),
        ("-zero", {"missing": "zero"}),
        ("-center", {"scaling": "center"}),
        ("-standardize", {"scaling": "standardize"}),
    ],
)
def test_scores_of_imputed_dosages(file, close, mode, options):
    weighed = pl.read_csv(FOLDER / "imputed-weights.tsv", separator="\t")
    found = gt.score(gt.read_dosages(FOLDER / file), weighed, plink_compatible=True, **options).scores
    expected = gold(f"imputed-score{mode}.sscore")
    assert found["iid"].to_list() == expected["IID"].to_list()
    assert found["allele_count"].to_list() == expected["ALLELE_CT"].cast(pl.Int64).to_list()
    for name in SCORES:
        same(found[name], expected[f"{name}_SUM"], rtol=close, atol=close)
        same(found[f"{name}_average"], expected[f"{name}_AVG"], rtol=close, atol=close / 60)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "close"), IMPUTED)
def test_scans_of_imputed_dosages(file, close):
    dosages = gt.read_dosages(FOLDER / file)
    measured = pl.read_csv(FOLDER / "imputed-people.tsv", separator="\t").rename({"#IID": "iid"})
    linear = gt.associate(dosages, measured, outcome="height", covariates=["age"])
    disease = gt.associate(dosages, measured, outcome="disease", covariates=["age"], model="logistic")
    expected = gold("imputed-linear.height.glm.linear")
    for found, theirs, error in (
        (linear, expected, expected["SE"]),
        (disease, gold("imputed-logistic.disease.glm.logistic.hybrid"), None),
    ):
        sign = np.where(found["effect_allele"] == theirs["A1"], 1.0, -1.0)
        beta = theirs["BETA"] if error is not None else theirs["OR"].log()
        assert found["n"].to_list() == theirs["OBS_CT"].cast(pl.Int64).to_list()
        same(found["beta"].to_numpy() * sign, beta, rtol=close, atol=close)
        same(found["standard_error"], theirs["LOG(OR)_SE"] if error is None else error, rtol=close)
