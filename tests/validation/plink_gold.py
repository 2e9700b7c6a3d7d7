"""Make the genotypes that PLINK and biolab are both given, run PLINK, and keep what it says.

    python tests/validation/plink_gold.py

Needs plink1.9 and plink2 of Debian. Writes tests/validation/plink/: toy.bed, .bim and .fam, phenotypes, weights, one
file an output, and commands.txt with versions and every command line.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from biolab.genotypes import Genotypes, genotypes_from_dosage

FOLDER = Path(__file__).with_name("plink")
SAMPLES, AUTOSOMAL, ON_X = 80, 200, 20
SITE = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT")
FORMATS = (
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=DS,Number=1,Type=Float,Description="Dosage">',
)

PLINK2 = {
    "toy2": ("--make-pgen", ["pgen", "pvar", "psam"]),
    "freq": ("--freq", ["afreq"]),
    "missing": ("--missing", ["vmiss", "smiss"]),
    "hardy": ("--hardy", ["hardy", "hardy.x"]),
    "hardy-midp": ("--hardy midp --chr 1-2", ["hardy"]),
    "het": ("--het --chr 1-2", ["het"]),
    "score": ("--score weights.tsv 1 2 header-read cols=+scoresums --score-col-nums 4-5 --chr 1-2", ["sscore"]),
    "score-zero": (
        "--score weights.tsv 1 2 header-read no-mean-imputation cols=+scoresums --score-col-nums 4-5 --chr 1-2",
        ["sscore"],
    ),
    "score-center": (
        "--score weights.tsv 1 2 header-read center cols=+scoresums --score-col-nums 4-5 --chr 1-2",
        ["sscore"],
    ),
    "score-standardize": (
        "--score weights.tsv 1 2 header-read variance-standardize cols=+scoresums --score-col-nums 4-5 --chr 1-2",
        ["sscore"],
    ),
    "linear": (
        "--glm hide-covar omit-ref allow-no-covars --pheno people.tsv --pheno-name height --covar people.tsv "
        "--covar-name age,site --chr 1-2",
        ["height.glm.linear"],
    ),
    "logistic": (
        "--glm hide-covar omit-ref --pheno people.tsv --pheno-name disease --covar people.tsv "
        "--covar-name age,site --chr 1-2 --1",
        ["disease.glm.logistic.hybrid"],
    ),
    "firth": (
        "--glm hide-covar omit-ref firth --pheno people.tsv --pheno-name disease --covar people.tsv "
        "--covar-name age,site --chr 1-2 --1",
        ["disease.glm.firth"],
    ),
    "prune": ("--indep-pairwise 20 5 0.15 --chr 1-2", ["prune.in"]),
    "unrelated": ("--king-cutoff 0.0884 --chr 1-2", ["king.cutoff.out.id"]),
    "king": ("--make-king-table --king-table-filter 0.02 --chr 1-2", ["kin0"]),
    "rel": ("--make-rel square --chr 1-2 --mac 1", ["rel"]),
    "pca": ("--pca 4 --chr 1-2 --mac 1", ["eigenval", "eigenvec"]),
}  # fmt: skip
PLINK19 = {
    "sex": ("--check-sex", ["sexcheck"]),
    "prune19": ("--indep-pairwise 20 5 0.15 --chr 1-2 --allow-no-sex", ["prune.in"]),
    "clump": ("--clump scan.tsv --clump-p1 0.05 --clump-p2 0.5 --clump-r2 0.1 --clump-kb 20 --chr 1-2", ["clumped"]),
    "het19": ("--het --chr 1-2", ["het"]),
}

# from a VCF of their own
IMPUTED = {
    "imputed": ("--vcf imputed.vcf dosage=DS --make-pgen", ["pgen", "pvar", "psam"]),
    "imputed-out": ("--pfile imputed --export vcf vcf-dosage=DS", ["vcf"]),
    "imputed-freq": ("--pfile imputed --freq cols=+machr2", ["afreq"]),
    **{
        f"imputed-score{name}": (
            f"--pfile imputed --score imputed-weights.tsv 1 2 header-read{modifier} cols=+scoresums "
            "--score-col-nums 4-5",
            ["sscore"],
        )
        for name, modifier in {
            "": "",
            "-zero": " no-mean-imputation",
            "-center": " center",
            "-standardize": " variance-standardize",
        }.items()
    },
    "imputed-linear": (
        "--pfile imputed --glm hide-covar omit-ref --pheno imputed-people.tsv --pheno-name height --covar "
        "imputed-people.tsv --covar-name age",
        ["height.glm.linear"],
    ),
    "imputed-logistic": (
        "--pfile imputed --glm hide-covar omit-ref --pheno imputed-people.tsv --pheno-name disease --covar "
        "imputed-people.tsv --covar-name age --1",
        ["disease.glm.logistic.hybrid"],
    ),
}
IMPUTED_SAMPLES = 60


def genotypes() -> tuple[Genotypes, pl.DataFrame]:
    """Draw founders with neighbours in disequilibrium, children of some of them, and missing calls."""
    generator = np.random.default_rng(42)
    m, n = AUTOSOMAL + ON_X, SAMPLES
    frequency = generator.uniform(0.03, 0.97, size=m)
    frequency[[5, 60, 130]] = 0.0, 1.0, 0.005
    haplotypes = np.empty((m, 2 * n), dtype=np.int8)
    latent = generator.normal(size=2 * n)
    for j in range(m):
        latent = 0.85 * latent + np.sqrt(1 - 0.85**2) * generator.normal(size=2 * n)
        cut = np.sort(latent)[min(int(frequency[j] * 2 * n), 2 * n - 1)]
        haplotypes[j] = latent < cut if frequency[j] > 0 else 0
    # the last six: children of 0 and 1 (two of them), of 2 and 3, of 4 and 5, and a twin of 6 and one of 7
    for child, (mother, father) in {74: (0, 1), 75: (0, 1), 76: (2, 3), 77: (4, 5)}.items():
        for k, parent in enumerate((mother, father)):
            turns = np.cumsum(generator.random(m) < 0.02) + generator.integers(2)
            haplotypes[:, 2 * child + k] = haplotypes[np.arange(m), 2 * parent + turns % 2]
    for twin, other in {78: 6, 79: 7}.items():
        haplotypes[:, 2 * twin : 2 * twin + 2] = haplotypes[:, 2 * other : 2 * other + 2]
    dosage = (haplotypes[:, ::2] + haplotypes[:, 1::2]).astype(float)
    male = np.arange(n) % 2 == 0
    on_x = np.arange(m) >= AUTOSOMAL
    dosage[np.ix_(on_x, male)] = 2.0 * haplotypes[np.ix_(on_x, np.flatnonzero(male) * 2)]
    dosage[generator.random(dosage.shape) < 0.02] = np.nan
    dosage[17, generator.random(n) < 0.4] = np.nan
    alleles = np.array([["A", "G"], ["C", "T"], ["G", "A"], ["T", "C"], ["A", "T"], ["C", "G"]])
    chosen = alleles[generator.integers(len(alleles), size=m)]
    variants = pl.DataFrame(
        {
            "chromosome": ["1"] * 120 + ["2"] * 80 + ["X"] * ON_X,
            "variant_id": [f"rs{1000 + j}" for j in range(m)],
            "position": [10_000 + 1_000 * j for j in range(m)],
            "effect_allele": chosen[:, 0],
            "other_allele": chosen[:, 1],
        }
    )
    sex = np.where(male, "male", "female").astype(object)
    sex[10], sex[13] = "female", "male"
    sex[20] = None
    samples = pl.DataFrame(
        {
            "fid": [f"f{i}" for i in range(n)],
            "iid": [f"i{i}" for i in range(n)],
            "sex": pl.Series(sex.tolist(), dtype=pl.String),
        }
    )
    age, site = generator.normal(55, 9, size=n), generator.integers(2, size=n)
    filled = np.nan_to_num(dosage, nan=1.0)
    height = 170 + 0.1 * age + 2.5 * filled[30] - 2 * filled[150] + generator.normal(0, 5, size=n)
    disease = (generator.random(n) < 1 / (1 + np.exp(1.5 - 1.2 * filled[40] - 0.02 * (age - 55)))).astype(int)
    dosage[130] = 0.0  # carried by three controls: no finite odds ratio
    dosage[130, np.flatnonzero(disease == 0)[:3]] = 1.0
    time = generator.exponential(20 * np.exp(-0.5 * filled[40]))
    people = samples.select("fid", "iid").with_columns(
        height=pl.Series(height.round(3)),
        disease=pl.Series(disease),
        age=pl.Series(age.round(2)),
        site=pl.Series(site),
        time=pl.Series(np.minimum(time, 30).round(2)),
        event=pl.Series((time < 30).astype(int)),
    )
    people = people.with_columns(height=pl.when(pl.col("iid") == "i33").then(None).otherwise("height"))
    return genotypes_from_dosage(dosage, variants=variants, samples=samples), people


def weights(made: Genotypes) -> pl.DataFrame:
    """Draw weights of some variants, for either allele."""
    generator = np.random.default_rng(7)
    rows = np.sort(generator.choice(AUTOSOMAL, size=90, replace=False))
    rows = rows[~np.isin(rows, (5, 60))]  # plink2 stops at monomorphic variants when it standardises
    frame = made.variants[rows]
    other = pl.Series(generator.random(len(rows)) < 0.5)
    effect = pl.when(other).then("other_allele").otherwise("effect_allele")
    opposite = pl.when(other).then("effect_allele").otherwise("other_allele")
    return frame.select(
        "variant_id",
        effect_allele=effect,
        other_allele=opposite,
        first=pl.Series(generator.normal(size=len(rows)).round(4)),
        second=pl.Series(generator.normal(size=len(rows)).round(4)),
    )


def imputed() -> tuple[str, pl.DataFrame, pl.DataFrame]:
    """Draw dosages of 30 variants, a third of them hard calls alone, some missing; weights and phenotypes for them."""
    generator = np.random.default_rng(11)
    names = [f"i{k}" for k in range(IMPUTED_SAMPLES)]
    lines = ["##fileformat=VCFv4.3", "##contig=<ID=1>", *FORMATS, "\t".join([*SITE, *names])]
    for k in range(30):
        dosage = generator.beta(0.4, 0.4, size=len(names)) * 2
        calls = np.array(["0/0", "0/1", "1/1"])[dosage.round().astype(int)].tolist()
        given = [f"{call}:{value:.4f}" for call, value in zip(calls, dosage, strict=True)] if k % 3 else calls
        absent = generator.random(len(names)) < 0.1
        fields = ["." if gone else field for field, gone in zip(given, absent, strict=True)]
        site = ["1", str(100 + k), f"rs{k}", "A", "G", ".", ".", ".", "GT:DS" if k % 3 else "GT"]
        lines.append("\t".join([*site, *fields]))
    other = generator.random(30) < 0.5
    weights = pl.DataFrame(
        {
            "variant_id": [f"rs{k}" for k in range(30)],
            "effect_allele": np.where(other, "A", "G"),
            "other_allele": np.where(other, "G", "A"),
            "first": generator.normal(size=30).round(4),
            "second": generator.normal(size=30).round(4),
        }
    )
    people = pl.DataFrame(
        {
            "iid": names,
            "height": generator.normal(170, 8, size=len(names)).round(2),
            "disease": generator.integers(2, size=len(names)),
            "age": generator.normal(55, 9, size=len(names)).round(1),
        }
    )
    return "\n".join(lines) + "\n", weights, people


def run(program: str, name: str, options: str, endings: list[str], folder: Path, *, source: str = "--bfile toy") -> str:
    command = [program, *source.split(), *options.split(), "--threads", "1", "--out", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    for ending in endings:
        shutil.copy(folder / f"{name}.{ending}", FOLDER / f"{name}.{ending}")
    return " ".join(command)


def main() -> None:
    made, people = genotypes()
    FOLDER.mkdir(exist_ok=True)
    made.write(FOLDER / "toy")
    upper = people.rename({"fid": "#FID", "iid": "IID"})
    upper.write_csv(FOLDER / "people.tsv", separator="\t", null_value="NA")
    weights(made).write_csv(FOLDER / "weights.tsv", separator="\t")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in FOLDER.iterdir():
            shutil.copy(path, folder / path.name)
        lines = [run("plink2", key, *given, folder) for key, given in PLINK2.items()]
        text, scored, measured = imputed()
        (folder / "imputed.vcf").write_text(text)
        for kept, ending in ((scored, "weights"), (measured.rename({"iid": "#IID"}), "people")):
            kept.write_csv(FOLDER / f"imputed-{ending}.tsv", separator="\t")
            shutil.copy(FOLDER / f"imputed-{ending}.tsv", folder)
        lines += [run("plink2", key, *given, folder, source="") for key, given in IMPUTED.items()]
        scan = pl.read_csv(FOLDER / "linear.height.glm.linear", separator="\t", null_values="NA")
        scan.select(SNP="ID", P="P").drop_nulls().write_csv(folder / "scan.tsv", separator="\t")
        lines += [run("plink1.9", key, *given, folder) for key, given in PLINK19.items()]
    versions = [
        subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        for program in ("plink2", "plink1.9")
    ]
    (FOLDER / "commands.txt").write_text("\n".join([*versions, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
