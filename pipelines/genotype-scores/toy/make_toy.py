"""Make two small cohorts with known truth and two files of weights for the workflow.

    python toy/make_toy.py toy-data

Genotypes are drawn by `biolab.genotypes.synthetic_genotypes` (two populations, linkage, missing calls); three outcomes
depend on the same causal variants, one of them also on population, which components must take away.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
import polars as pl

from biolab.genotypes import Genotypes, synthetic_genotypes

COHORTS = {"north": 360, "south": 240}
HEAD = "###PGS CATALOG SCORING FILE\n#pgs_id=PGS900001\n#genome_build=GRCh38\n#variants_number={count}\n"


def outcomes(
    genotypes: Genotypes, population: np.ndarray, weights: pl.DataFrame, chance: np.random.Generator
) -> pl.DataFrame:
    """Draw a value, an illness and a time to relapse that depend on the causal variants."""
    dosage = np.nan_to_num(genotypes.dosage(variants=weights["variant_id"].to_list())).astype(float)
    genetic = dosage.T @ weights["weight"].to_numpy()
    genetic = (genetic - genetic.mean()) / genetic.std()
    people = genetic.size
    month = 20 * chance.exponential(size=people) * np.exp(-0.5 * genetic)
    return genotypes.samples.select("fid", "iid").with_columns(
        age=pl.Series(chance.normal(60, 9, people).round(1)),
        value=pl.Series((0.8 * genetic + 0.8 * population + chance.normal(0, 0.6, people)).round(4)),
        ill=pl.Series((chance.random(people) < 1 / (1 + np.exp(1 - genetic))).astype(int)),
        month=pl.Series(np.minimum(month, 24).round(2)),
        relapse=pl.Series((month < 24).astype(int)),
    )


def write_weights(folder: Path, weights: pl.DataFrame, chance: np.random.Generator) -> None:
    """Write the true weights with an error as a PGS Catalog file, and two more scores as a table."""
    noisy = weights.with_columns(effect_weight=pl.col("weight") + pl.Series(chance.normal(0, 0.3, weights.height)))
    rows = noisy.select(
        "effect_allele",
        "other_allele",
        "effect_weight",
        rsID="variant_id",
        chr_name="chromosome",
        chr_position="position",
    )
    content = HEAD.format(count=rows.height) + rows.write_csv(separator="\t")
    (folder / "PGS900001.txt.gz").write_bytes(gzip.compress(content.encode(), mtime=0))
    turned = weights.select(
        "variant_id", effect_allele="other_allele", other_allele="effect_allele",
        opposite=-pl.col("weight"), chance=pl.Series(chance.normal(size=weights.height)),
    )  # fmt: skip
    turned.write_csv(folder / "second.tsv", separator="\t")


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--variants", type=int, default=1_500)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(options.seed)
    drawn = synthetic_genotypes(options.variants, sum(COHORTS.values()), shares=(0.7, 0.3), seed=chance)
    causal = drawn.genotypes.variants[np.sort(chance.choice(options.variants, 30, replace=False))]
    weights = causal.with_columns(weight=pl.Series(chance.normal(size=30)))
    people = outcomes(drawn.genotypes, drawn.population, weights, chance)
    write_weights(options.folder, weights, chance)
    start = 0
    for name, size in COHORTS.items():
        rows = np.arange(start, start + size)
        part = drawn.genotypes.select(samples=rows)
        part.write(options.folder / name)
        people[rows].rename({"fid": "FID", "iid": "IID"}).write_csv(
            options.folder / f"{name}.people.tsv", separator="\t"
        )
        reference = part.samples.filter(pl.Series(drawn.population[rows] == 0)).select(FID="fid", IID="iid")
        reference.write_csv(options.folder / f"{name}.reference.tsv", separator="\t")
        start += size


if __name__ == "__main__":
    main()
