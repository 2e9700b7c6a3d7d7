"""Genotypes drawn at random with known truth: populations that drifted apart, linkage, missing calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from scipy.special import ndtri

from biolab.core import ConfigError
from biolab.core.arrays import Float, Int
from biolab.data.bed import PackedArray, pack

from .handle import Genotypes

_CHROMOSOMES: Final = 22
_SPACING_BP: Final = 10_000
_BASES: Final = "ACGT"  # two places on is a transition


@dataclass(frozen=True, kw_only=True, eq=False)
class SyntheticGenotypes:
    """Drawn genotypes and what is true of them.

    ``population`` numbers the population of each sample from 0, ``frequency`` is that of the effect allele in each.
    """

    genotypes: Genotypes
    population: Int[np.ndarray, " n"]
    frequency: Float[np.ndarray, "m q"]


def synthetic_genotypes(  # noqa: PLR0913 - all but two are keyword-only
    variants: int,
    samples: int,
    *,
    shares: Sequence[float] = (1.0,),
    drift: float = 0.05,
    linkage: float = 0.8,
    missing: float = 0.01,
    seed: int | np.random.Generator,
) -> SyntheticGenotypes:
    """Draw unrelated persons of one or more populations, at variants spread over chromosomes 1 to 22.

    Frequencies of a population that drifted by F (``drift``) follow Balding and Nichols,
    Beta(p (1 - F) / F, (1 - p) (1 - F) / F), around an ancestral p between 0.05 and 0.95. The two haplotypes of a
    person are Gaussian processes along each chromosome cut at the quantile of the frequency; ``linkage`` is their
    correlation at 10,000 bases, about the mean distance of neighbours. ``shares`` are the populations' chances of each
    person, ``missing`` is the chance of no call. Alleles are single bases, two thirds of them transitions.

    Raises
    ------
    ConfigError
        If a number is out of its range.

    References
    ----------
    Balding and Nichols (1995), Genetica 96:3-12, doi:10.1007/BF01441146

    Examples
    --------
    >>> drawn = synthetic_genotypes(100, 50, shares=(0.5, 0.5), seed=1)
    >>> drawn.genotypes, sorted(set(drawn.population.tolist()))
    (Genotypes(100 variants of 50 samples), [0, 1])
    """
    _check(variants, samples, shares, {"drift": drift, "linkage": linkage, "missing": missing})
    generator = np.random.default_rng(seed)
    population = generator.choice(len(shares), size=samples, p=np.asarray(shares, dtype=float) / np.sum(shares))
    ancestral = generator.uniform(0.05, 0.95, size=(variants, 1))
    strength = (1 - drift) / drift
    frequency = generator.beta(ancestral * strength, (1 - ancestral) * strength, size=(variants, len(shares)))
    frequency = np.clip(frequency, 0.005, 0.995)
    sites = _sites(variants, generator)
    dosage = _dosages(sites, ndtri(frequency), population, linkage, generator)
    dosage[generator.random(dosage.shape, dtype=np.float32) < missing] = -1
    genotypes = Genotypes(
        variants=sites, samples=_people(samples, generator), rows=PackedArray(packed=pack(dosage), samples=samples)
    )
    return SyntheticGenotypes(genotypes=genotypes, population=population, frequency=frequency)


def _check(variants: int, samples: int, shares: Sequence[float], given: dict[str, float]) -> None:
    if variants < 1 or samples < 1:
        raise ConfigError(f"{variants} variants of {samples} samples were asked for; expected one of each or more.")
    if not shares or min(shares) < 0 or not sum(shares) > 0:
        raise ConfigError(f"shares is {tuple(shares)}; expected a chance of each population, not all 0.")
    for name, value in given.items():
        if not (0 < value < 1 or (name != "drift" and value == 0)):
            raise ConfigError(f"{name} is {value}; expected a number from 0 to less than 1 (a drift above 0).")


def _sites(variants: int, generator: np.random.Generator) -> pl.DataFrame:
    chromosome = np.sort(np.arange(variants) % min(_CHROMOSOMES, variants)) + 1
    position = np.empty(variants, dtype=np.int64)
    for name in np.unique(chromosome):
        here = np.flatnonzero(chromosome == name)
        position[here] = np.cumsum(generator.integers(_SPACING_BP // 2, _SPACING_BP * 3 // 2, size=here.size))
    first = generator.integers(4, size=variants)
    second = (first + generator.choice([1, 2, 3], p=[1 / 6, 2 / 3, 1 / 6], size=variants)) % 4
    return pl.DataFrame(
        {
            "chromosome": [str(name) for name in chromosome],
            "variant_id": [f"v{j + 1}" for j in range(variants)],
            "position_cm": np.zeros(variants),
            "position": position,
            "effect_allele": [_BASES[k] for k in first],
            "other_allele": [_BASES[k] for k in second],
        }
    )


def _people(samples: int, generator: np.random.Generator) -> pl.DataFrame:
    names = [f"s{i + 1}" for i in range(samples)]
    sex = np.where(generator.random(samples) < 0.5, "male", "female").tolist()
    nobody = pl.lit(None, dtype=pl.String)
    return pl.DataFrame({"fid": names, "iid": names}).with_columns(
        father=nobody, mother=nobody, sex=pl.Series(sex), phenotype=pl.lit(None, dtype=pl.Float64)
    )


def _dosages(
    sites: pl.DataFrame,
    threshold: Float[np.ndarray, "m q"],
    population: Int[np.ndarray, " n"],
    linkage: float,
    generator: np.random.Generator,
) -> Int[np.ndarray, "m n"]:
    """Walk along the genome with the two haplotypes of everybody; a new chromosome begins anew."""
    found = np.empty((sites.height, population.size), dtype=np.int8)
    chromosome, position = sites["chromosome"].to_list(), sites["position"].to_list()
    latent = np.zeros((2, population.size))
    for j in range(sites.height):
        joined = j > 0 and chromosome[j] == chromosome[j - 1]
        kept = linkage ** ((position[j] - position[j - 1]) / _SPACING_BP) if joined else 0.0
        latent = kept * latent + np.sqrt(1 - kept * kept) * generator.normal(size=latent.shape)
        found[j] = (latent < threshold[j, population]).sum(axis=0)
    return found
