"""Quality control in a fixed order of steps, with the reason for everything that is left out."""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import polars as pl

from biolab.core import ConfigError

from .calls import AUTOSOMES, on_chromosomes
from .frequency import allele_frequency
from .handle import Genotypes
from .hardy_weinberg import hardy_weinberg
from .heterozygosity import heterozygosity
from .missing_calls import missingness
from .unrelated import unrelated

_REMOVED = {
    "step": pl.String, "kind": pl.String, "name": pl.String, "value": pl.Float64, "limit": pl.Float64,
}  # fmt: skip

_LARGEST: Final = {
    "missing_of_variant": 1.0, "missing_of_sample": 1.0, "minor_allele_frequency": 0.5, "hardy_weinberg": 1.0,
    "heterozygosity_sd": float("inf"), "kinship": 0.5,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class QualityLimits:
    """What stays; None leaves a step out.

    Shares of missing calls, minor allele frequency, exact Hardy-Weinberg p, how many standard deviations F may lie from
    its mean, and the largest kinship of two samples.
    """

    missing_of_variant: float | None = 0.05
    missing_of_sample: float | None = 0.05
    minor_allele_frequency: float | None = 0.01
    hardy_weinberg: float | None = 1e-6
    heterozygosity_sd: float | None = 4.0
    kinship: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that nothing or everything passes by mistake, such as 5 for five per cent."""
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            if value is not None and not 0 <= value <= largest:
                raise ConfigError(f"{name} is {value:g}; expected 0 to {largest:g}, or none to leave the step out.")


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityControl:
    """What passed all steps, what did not and why.

    ``removed`` names each variant or sample once: the step, its value and the limit. ``table`` counts step by step.
    """

    genotypes: Genotypes
    removed: pl.DataFrame
    steps: pl.DataFrame
    limits: QualityLimits

    @property
    def settings(self) -> dict[str, object]:
        """The limits."""
        return asdict(self.limits)

    @property
    def metrics(self) -> dict[str, float]:
        """How many variants and samples passed and went."""
        gone = dict(self.removed["kind"].value_counts().iter_rows())
        variants, samples = self.genotypes.shape
        return {
            "variants": float(variants),
            "samples": float(samples),
            "variants_removed": float(gone.get("variant", 0)),
            "samples_removed": float(gone.get("sample", 0)),
        }

    def table(self) -> pl.DataFrame:
        """Return one row a step: what it looked at, how many went and how many stayed."""
        return self.steps


def quality_control(genotypes: Genotypes, limits: QualityLimits | None = None) -> QualityControl:
    """Leave out variants, then samples, that fail a limit; each step looks at what the ones before it left.

    Steps: missing calls of variants; missing calls of samples; rare alleles; Hardy-Weinberg proportions (not tested on
    Y and MT); heterozygosity of samples over autosomes; relatives, if asked for, by `unrelated`, with the closest
    kinship as value. Recorded sex is for `sex_check`, population structure for `pca`.

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage
    >>> found = quality_control(genotypes_from_dosage([[0, 1, 2, 1], [0, None, None, 1], [0, 0, 0, 0]]))
    >>> found.removed.select("step", "name", "value").rows()
    [('missing_of_variant', 'v2', 0.5), ('minor_allele_frequency', 'v3', 0.0)]
    """
    limits = limits or QualityLimits()
    kept, removed, steps = genotypes, [], []
    for step, limit in asdict(limits).items():
        if limit is None:
            continue
        kind, values, fails, shown = _judged(step, kept, limit)
        names = kept.variants["variant_id"] if kind == "variant" else _sample_names(kept)
        gone = pl.DataFrame({"name": names, "value": values}).filter(pl.Series(fails))
        removed.append(
            gone.select(
                step=pl.lit(step),
                kind=pl.lit(kind),
                name="name",
                value=pl.col("value").fill_nan(None),
                limit=pl.lit(shown),
            )
        )
        if fails.any():
            kept = kept.select(variants=~fails) if kind == "variant" else kept.select(samples=~fails)
        steps.append((step, kind, shown, gone.height, kept.shape[0 if kind == "variant" else 1]))
    table = pl.DataFrame(steps, schema=["step", "kind", "limit", "removed", "remaining"], orient="row")
    listed = pl.concat(removed) if removed else pl.DataFrame(schema=_REMOVED)
    return QualityControl(genotypes=kept, removed=listed, steps=table, limits=limits)


def _judged(  # noqa: PLR0911 - one answer a step
    step: str, kept: Genotypes, limit: float
) -> tuple[str, np.ndarray, np.ndarray, float]:
    """Return what a step looks at, its values, which of them fail, and the limit in the values' own unit."""
    if step == "missing_of_variant":
        values = _floats(missingness(kept).table()["missing_rate"])
        return "variant", values, ~(values <= limit), limit
    if step == "missing_of_sample":
        values = _floats(missingness(kept).sample_table()["missing_rate"])
        return "sample", values, ~(values <= limit), limit
    if step == "minor_allele_frequency":
        values = _floats(allele_frequency(kept).table()["minor_allele_frequency"])
        return "variant", values, ~(values >= limit), limit
    if step == "hardy_weinberg":
        values = hardy_weinberg(kept).p_value
        return "variant", values, values < limit, limit
    if step == "kinship":
        found = unrelated(kept, at_most=limit)
        return "sample", found.kinship, ~found.kept, limit
    if not on_chromosomes(kept, AUTOSOMES).any():
        return "sample", np.zeros(kept.samples.height), np.zeros(kept.samples.height, dtype=bool), limit
    values = heterozygosity(kept).inbreeding
    known = values[~np.isnan(values)]
    far = limit * float(known.std()) if known.size else 0.0
    return "sample", values, np.abs(values - (known.mean() if known.size else 0.0)) > far, far


def _floats(values: pl.Series) -> np.ndarray:
    return values.fill_null(float("nan")).to_numpy()


def _sample_names(kept: Genotypes) -> pl.Series:
    return kept.samples.select(pl.concat_str("fid", "iid", separator=" ")).to_series()
