"""The patients a study analyses, and how many were left out on the way and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Bool, Float

from .codebook import Codebook
from .digest import frame_digest
from .eligibility import Eligibility, MissingPolicy
from .faults import Fault, refuse


class TooFewEventsError(DataError):
    """A site has fewer events than a protocol needs: nothing can be fitted there, and nothing is shown of it."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Cohort:
    """Eligible patients of one site, harmonised; ``flow`` counts who was left out at each step.

    Printing a cohort never shows a patient's row.
    """

    frame: pl.DataFrame
    flow: pl.DataFrame
    codebook: Codebook
    missing: MissingPolicy = field(default="refuse")

    def __repr__(self) -> str:
        return f"Cohort(patients={self.patients}, events={self.events}, digest={self.digest[:12]})"

    def _repr_html_(self) -> str:
        return f"<p>{self.patients} patients, {self.events} events</p>{self.flow._repr_html_()}"

    @property
    def patients(self) -> int:
        """The number of patients analysed."""
        return self.frame.height

    @property
    def events(self) -> int:
        """The number of patients in whom the endpoint was observed."""
        return int(self.event.sum())

    @property
    def time(self) -> Float[np.ndarray, " n"]:
        """Follow-up times in the codebook's unit."""
        return self.frame[self.codebook.time.name].to_numpy(writable=True)

    @property
    def event(self) -> Bool[np.ndarray, " n"]:
        """Whether follow-up ended in the event."""
        return self.frame[self.codebook.event.name].to_numpy(writable=True)

    @property
    def covariates(self) -> pl.DataFrame:
        """The covariates in the order of the codebook."""
        return self.frame.select(variable.name for variable in self.codebook.covariates)

    @property
    def digest(self) -> str:
        """The SHA-256 of names, kinds and values in row order: the same for the same patients everywhere."""
        return frame_digest(self.frame)

    @property
    def profile(self) -> pl.DataFrame:
        """The characteristics of the cohort without rows; see ``describe``."""
        return describe(self, self.codebook)


def select_cohort(
    frame: pl.DataFrame,
    eligibility: Sequence[Eligibility],
    codebook: Codebook,
    *,
    missing: MissingPolicy = "refuse",
    minimum_events: int = 10,
    file: str = "the harmonised frame",
) -> Cohort:
    """Apply the eligibility rules in order, then the policy on missing covariates, and count what each leaves out.

    ``missing = "refuse"`` stops at a missing covariate of an eligible patient, ``"drop"`` leaves such patients out,
    ``"impute"`` keeps them: the design fills the gaps from the training part of each fold. A patient whose value for
    an eligibility rule is missing is left out by that rule (under ``"refuse"`` it stops the run).

    >>> codebook = Codebook.model_validate(
    ...     {
    ...         "months": {"type": "number", "unit": "month", "role": "time"},
    ...         "death": {"type": "boolean", "role": "event"},
    ...         "nodes": {"type": "integer"},
    ...     }
    ... )
    >>> frame = pl.DataFrame({"months": [9.0, 4.0, 7.0], "death": [True, True, False], "nodes": [0, 3, 1]})
    >>> rules = [Eligibility(variable="nodes", minimum=1, reason="No positive node")]
    >>> cohort = select_cohort(frame, rules, codebook, minimum_events=1)
    >>> cohort.patients, cohort.events
    (2, 1)
    >>> cohort.flow.select("step", "dropped", "remaining").rows()
    [('recorded', 0, 3), ('nodes', 1, 2)]

    Raises
    ------
    ConfigError
        If a rule does not fit the codebook.
    DataError
        If a value is missing under ``"refuse"`` (names row and column).
    TooFewEventsError
        If fewer than ``minimum_events`` events remain (with 0, no event is looked for). It does not say how many: that
        count may be a secret.
    """
    rows = frame.with_row_index("data row", offset=1)
    steps = [("recorded", "Patients recorded", "기록된 환자", 0, rows.height)]
    for rule in eligibility:
        met = rule.met(codebook)
        if missing == "refuse":
            _refuse_missing(rows, (rule.variable,), file)
        kept = rows.filter(met)
        steps.append((rule.variable, rule.reason.en, rule.reason.ko, rows.height - kept.height, kept.height))
        rows = kept
    names = tuple(variable.name for variable in codebook.covariates)
    if missing == "refuse":
        _refuse_missing(rows, names, file)
    if missing == "drop":
        kept = rows.drop_nulls(names) if names else rows
        steps.append(("missing", "A covariate is missing", "공변량 결측", rows.height - kept.height, kept.height))
        rows = kept
    cohort = Cohort(
        frame=rows.drop("data row"),
        flow=pl.DataFrame(steps, schema=["step", "reason", "reason_ko", "dropped", "remaining"], orient="row"),
        codebook=codebook,
        missing=missing,
    )
    if minimum_events > 0 and cohort.events < minimum_events:
        raise TooFewEventsError(
            f"{file}: fewer than {minimum_events} events among the eligible patients; so many are needed to fit and to "
            "protect patients. Widen the eligibility rules, or leave this site out."
        )
    return cohort


def _refuse_missing(rows: pl.DataFrame, names: Sequence[str], file: str) -> None:
    faults: list[Fault] = []
    count = 0
    for name in names:
        absent = rows.filter(pl.col(name).is_null())["data row"]
        count += absent.len()
        said = 'missing; expected a value. Fill the cell, or set the missing policy to "drop" or "impute".'
        faults += [Fault(row=row, column=name, said=said) for row in absent.head(5)]
    refuse(file, sorted(faults, key=lambda fault: fault.row)[:5], count)


def describe(cohort: Cohort, codebook: Codebook) -> pl.DataFrame:
    """Summarise each covariate and the endpoint without showing any patient's own value.

    One row a statistic: ``median`` with ``lower_quartile`` and ``upper_quartile`` of numbers (no minimum, no maximum:
    they are single patients), ``count`` with ``percent`` of the known values for each code, and ``missing`` counts.
    Columns: variable, level, statistic, value, lower_quartile, upper_quartile, percent.
    """
    rows: list[dict[str, object]] = []
    for variable in codebook.variables:
        values = cohort.frame[variable.name]
        if variable.role == "id":
            continue
        if variable.type in {"number", "integer"}:
            rows.append(_quartiles(variable.name, values))
        else:
            rows += _counts(variable.name, values, variable.codes or ("false", "true"))
        rows.append({"variable": variable.name, "statistic": "missing", "value": float(values.null_count())})
    return pl.DataFrame(
        rows,
        schema={
            "variable": pl.String,
            "level": pl.String,
            "statistic": pl.String,
            "value": pl.Float64,
            "lower_quartile": pl.Float64,
            "upper_quartile": pl.Float64,
            "percent": pl.Float64,
        },
    )


def _quartiles(name: str, values: pl.Series) -> dict[str, object]:
    low, middle, high = (values.quantile(q, interpolation="linear") for q in (0.25, 0.5, 0.75))
    return {
        "variable": name,
        "statistic": "median",
        "value": middle,
        "lower_quartile": low,
        "upper_quartile": high,
    }


def _counts(name: str, values: pl.Series, levels: Sequence[str]) -> list[dict[str, object]]:
    known = values.len() - values.null_count()
    text = values.cast(pl.String)
    counts = [(level, int((text == level).sum())) for level in levels]
    return [
        {
            "variable": name,
            "level": level,
            "statistic": "count",
            "value": float(count),
            "percent": 100 * count / known if known else None,
        }
        for level, count in counts
    ]
