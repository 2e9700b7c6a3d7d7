"""Association scans: one model a variant, linear, logistic or Cox, streamed over the genotypes."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from biolab import kernels
from biolab.core import ConfigError, DataError, did_you_mean
from biolab.core.arrays import Float
from biolab.kernels.logistic_scan import Penalty

from .dosages import Dosages
from .handle import Genotypes
from .linear_statistics import MissingDosage, association_frame, block_statistics, solve_linear
from .scan_table import ScanTable, scan_table

Model = Literal["linear", "logistic", "cox"]
Ties = Literal["efron", "breslow"]

# Numbers of a block of decoded dosages.
_NUMBERS: Final = 1 << 22


def associate(  # noqa: PLR0913 - all but two are keyword-only
    genotypes: Genotypes | Dosages,
    phenotypes: pl.DataFrame | pl.LazyFrame,
    *,
    outcome: str | tuple[str, str],
    covariates: Sequence[str] = (),
    model: Model = "linear",
    missing: MissingDosage = "complete",
    firth: Penalty = "fallback",
    ties: Ties = "efron",
) -> pl.DataFrame:
    """Fit outcome ~ dosage_j + covariates for each variant j; memory does not grow with the number of variants.

    - linear: least squares; ``statistic`` is t with n - covariates - 2 degrees of freedom.
    - logistic: outcome 0 and 1 (or PLINK's 1 and 2; 2 is a case); Wald's z. ``firth`` says when Firth's penalty is
      used ("fallback": where a group carries none of one allele or there is no maximum); a column ``firth`` tells.
    - cox: ``outcome`` names two columns, time and event; Wald's z; ``ties`` as in `biolab.survival`.

    Imputed dosages (`read_dosages`) are regressed on as they are.

    ``beta`` is per copy of effect_allele: a difference, a log odds ratio, a log hazard ratio. ``missing="complete"``
    leaves out a variant's samples without a call (``n`` differs), "mean" gives them the mean dosage. Samples without
    the outcome or a covariate are left out of all. ``reason`` says why numbers are null: constant, separated...

    Raises
    ------
    DataError
        If a column is missing, the outcome is not of the model's kind, or no sample is left.
    FitError
        If the covariates alone cannot be fitted.

    References
    ----------
    Cox (1972), J. R. Stat. Soc. B 34:187-220, doi:10.1111/j.2517-6161.1972.tb00899.x

    Firth (1993), Biometrika 80:27-38, doi:10.1093/biomet/80.1.27

    Examples
    --------
    >>> from biolab.genotypes import genotypes_from_dosage
    >>> genotypes = genotypes_from_dosage([[0, 1, 2, 0, 1, 2], [1, 1, 1, 1, 1, 1]])
    >>> people = genotypes.samples.select("iid", height=pl.Series([1.0, 2.0, 3.5, 0.5, 2.0, 3.0]))
    >>> associate(genotypes, people, outcome="height").select(pl.col("beta").round(6), "n", "reason").rows()
    [(1.25, 6, 'ok'), (None, 6, 'constant')]
    """
    names = [outcome] if isinstance(outcome, str) else list(outcome)
    if model not in ("linear", "logistic", "cox"):
        raise ConfigError(f"model is {model!r}. {did_you_mean(str(model), ['linear', 'logistic', 'cox'])}")
    if missing not in ("complete", "mean"):
        raise ConfigError(f"missing is {missing!r}. {did_you_mean(str(missing), ['complete', 'mean'])}")
    if len(names) != (2 if model == "cox" else 1):
        wanted = "two columns, time and event" if model == "cox" else "one column"
        raise ConfigError(f"outcome is {outcome!r}; a {model} model takes {wanted}.")
    table = scan_table(genotypes, phenotypes, names, covariates)
    if model == "linear":
        return _linear(table, missing)
    if model == "logistic":
        return _logistic(table, names[0], missing, firth)
    return _cox(table, names[1], missing, ties)


def _linear(table: ScanTable, missing: MissingDosage) -> pl.DataFrame:
    design = np.column_stack([np.ones(len(table.outcome)), _standardised(table.covariates)])
    y = table.outcome[:, 0] - table.outcome[:, 0].mean()
    names = ("intercept", *table.covariate_names)
    blocks = table.genotypes.blocks()
    return pl.concat(
        solve_linear(block_statistics(table.genotypes.variants, b, design, y, names, missing)) for b in blocks
    )


def _standardised(covariates: Float[np.ndarray, "n q"]) -> Float[np.ndarray, "n q"]:
    """Bring covariates to one scale, which changes no coefficient of a dosage; constant ones are left."""
    scale = covariates.std(axis=0)
    return (covariates - covariates.mean(axis=0)) / np.where(scale > 0, scale, 1.0)


def _logistic(table: ScanTable, name: str, missing: MissingDosage, firth: Penalty) -> pl.DataFrame:
    y = _case_control(table.outcome[:, 0], name)
    found = []
    for variants, dosage in _dosages(table.genotypes, missing):
        fit = kernels.logistic_scan(dosage, y, covariates=table.covariates, penalty=firth)
        frame = association_frame(variants, fit.n, fit.coef, fit.standard_error, fit.z, _two_sided(fit.z), fit.reason)
        found.append(frame.with_columns(firth=pl.Series(fit.firth)))
    return pl.concat(found)


def _case_control(values: Float[np.ndarray, " n"], name: str) -> Float[np.ndarray, " n"]:
    seen = np.unique(values).tolist()
    if set(seen) <= {0.0, 1.0}:
        return values
    if set(seen) <= {1.0, 2.0}:
        return values - 1.0
    shown = ", ".join(f"{value:g}" for value in seen[:5])
    raise DataError(f"Outcome {name!r} holds {shown}; a logistic model takes 0 and 1, or 1 (control) and 2 (case).")


def _cox(table: ScanTable, name: str, missing: MissingDosage, ties: Ties) -> pl.DataFrame:
    time, event = table.outcome.T
    other = event[~np.isin(event, (0.0, 1.0))]
    if other.size:
        raise DataError(
            f"Event {name!r} holds {other[0]:g}; expected 0 (censored) and 1 (observed). Name time first, then event."
        )
    risk = kernels.RiskSet(time, event == 1.0, ties=ties)
    covariates = table.covariates if table.covariates.shape[1] else None
    found = []
    for variants, dosage in _dosages(table.genotypes, missing):
        absent = np.isnan(dosage)
        some = np.flatnonzero(absent.any(axis=1))
        whole = kernels.cox_scan(np.where(absent, 0.0, dosage).T, risk, covariates=covariates)
        coef, error = whole.coef.copy(), whole.standard_error.copy()
        reason = np.array(whole.reason, dtype=object)
        for j in some:
            coef[j], error[j], reason[j] = _cox_alone(dosage[j], time, event, covariates, ties)
        z = coef / error
        n = dosage.shape[1] - absent.sum(axis=1)
        frame = association_frame(variants, n, coef, error, z, _two_sided(z), reason)
        found.append(frame)
    return pl.concat(found)


def _cox_alone(
    dosage: Float[np.ndarray, " n"],
    time: Float[np.ndarray, " n"],
    event: Float[np.ndarray, " n"],
    covariates: Float[np.ndarray, "n q"] | None,
    ties: Ties,
) -> tuple[float, float, str]:
    """Fit one variant among its own samples."""
    called = ~np.isnan(dosage)
    if not event[called].any():
        return np.nan, np.nan, "no event"
    risk = kernels.RiskSet(time[called], event[called] == 1.0, ties=ties)
    shared = None if covariates is None else covariates[called]
    fit = kernels.cox_scan(dosage[called, None], risk, covariates=shared, threads=1)
    return float(fit.coef[0]), float(fit.standard_error[0]), fit.reason[0]


def _dosages(
    genotypes: Genotypes | Dosages, missing: MissingDosage
) -> Iterator[tuple[pl.DataFrame, Float[np.ndarray, "m n"]]]:
    """Yield blocks of variants with their dosages, NaN for none or the mean in its place."""
    if isinstance(genotypes, Dosages):
        found = ((block.places, genotypes.decoded(block)) for block in genotypes.blocks())
    else:
        small = genotypes.blocks(block_bytes=_NUMBERS // 4)
        found = ((block.places, genotypes.decoded(block)) for block in small)
    for places, dosage in found:
        yield genotypes.variants[places], _imputed(dosage) if missing == "mean" else dosage


def _imputed(dosage: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    absent = np.isnan(dosage)
    called = (~absent).sum(axis=1)
    mean = np.divide(np.where(absent, 0.0, dosage).sum(axis=1), called, out=np.zeros(len(dosage)), where=called > 0)
    return np.where(absent, mean[:, None], dosage)


def _two_sided(z: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    return 2 * ndtr(-np.abs(z))
