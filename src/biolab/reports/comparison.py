"""What a page needs to know: the shape of a comparison between institutions.

``joint.Comparison`` satisfies this; so does any frozen dataclass of frames with the same columns. Frames hold
estimates and released counts only, never a patient row. Null means suppressed in counts and missing in estimates.
"""

from collections.abc import Mapping
from typing import Protocol

import polars as pl


class ProtocolFacts(Protocol):
    """The protocol as the page shows it; ``question``, ``title`` and ``endpoint`` hold ``en`` and ``ko``."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102
    @property
    def question(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def title(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def endpoint(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def time_unit(self) -> str: ...  # noqa: D102
    @property
    def horizons(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def tau(self) -> float: ...  # noqa: D102
    @property
    def reference_model(self) -> str: ...  # noqa: D102
    @property
    def minimum_cell(self) -> int: ...  # noqa: D102
    @property
    def minimum_events(self) -> int: ...  # noqa: D102
    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def claims(self) -> str: ...  # noqa: D102
    @property
    def subgroup_labels(self) -> Mapping[str, Mapping[str, str]]: ...  # noqa: D102
    @property
    def panels(self) -> tuple[Mapping[str, str], ...]: ...  # noqa: D102
    @property
    def settings(self) -> Mapping[str, object]: ...  # noqa: D102


class PooledPerformance(Protocol):
    """Measures pooled over testing sites; ``evidence`` is ``external`` or ``internal``."""

    @property
    def pooled(self) -> pl.DataFrame:
        """evidence, model, metric, horizon, sites, estimate, limits, prediction limits, tau2, i2, method."""
        ...

    @property
    def sites(self) -> pl.DataFrame:
        """evidence, model, metric, horizon, site, estimate, lower, upper, transformed, standard_error, weight."""
        ...

    @property
    def left_out(self) -> pl.DataFrame:
        """evidence, model, metric, horizon, left_out, estimate, lower, upper, tau2, i2."""
        ...


class Best(Protocol):
    """The model with the highest pooled gain over the reference, and those that cannot be told from it."""

    @property
    def model(self) -> str | None: ...  # noqa: D102
    @property
    def metric(self) -> str | None: ...  # noqa: D102
    @property
    def horizon(self) -> float | None: ...  # noqa: D102
    @property
    def evidence(self) -> str: ...  # noqa: D102
    @property
    def reference(self) -> str: ...  # noqa: D102
    @property
    def sites(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def method(self) -> str: ...  # noqa: D102
    @property
    def clear(self) -> bool: ...  # noqa: D102
    @property
    def contenders(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def ranking(self) -> pl.DataFrame:
        """model, rank, estimate, limits, gain, simultaneous limits, adjusted_p_value, behind and its limits."""
        ...


class Comparison(Protocol):
    """Tables of one protocol over its institutions; each property names its columns."""

    @property
    def protocol(self) -> ProtocolFacts:
        """Question, endpoint, horizons, release rules, and everything else chosen beforehand."""
        ...

    @property
    def sites(self) -> pl.DataFrame:
        """site, label_en, label_ko, country, note_en, note_ko."""
        ...

    @property
    def cohorts(self) -> pl.DataFrame:
        """site, patients, events, dropped, median_follow_up."""
        ...

    @property
    def characteristics(self) -> pl.DataFrame:
        """site, variable, label_en, label_ko, unit, level, kind, value, lower, upper, percent."""
        ...

    @property
    def flow(self) -> pl.DataFrame:
        """site, step, reason_en, reason_ko, dropped, remaining."""
        ...

    @property
    def survival_curves(self) -> pl.DataFrame:
        """site, time, survival, lower, upper."""
        ...

    @property
    def at_risk(self) -> pl.DataFrame:
        """site, time, at_risk."""
        ...

    @property
    def models(self) -> pl.DataFrame:
        """model, label_en, label_ko, description_en, description_ko."""
        ...

    @property
    def coefficients(self) -> pl.DataFrame:
        """model, site, term, label_en, label_ko, log_hazard_ratio, standard_error, hazard_ratio, lower, upper."""
        ...

    @property
    def pooled(self) -> pl.DataFrame:
        """model, term, label_en, label_ko, hazard_ratio, lower, upper, tau2, i2, method."""
        ...

    @property
    def validation(self) -> pl.DataFrame:
        """model, train_site, test_site, metric, horizon, estimate, lower, upper."""
        ...

    @property
    def differences(self) -> pl.DataFrame:
        """model, reference, train_site, test_site, metric, horizon, difference, lower, upper."""
        ...

    @property
    def calibration(self) -> pl.DataFrame:
        """model, train_site, test_site, horizon, group, predicted, observed (risks), lower, upper, patients."""
        ...

    @property
    def withheld(self) -> pl.DataFrame:
        """site, model (null: the whole site), reason."""
        ...

    @property
    def signatures(self) -> pl.DataFrame:
        """model, site, feature, log_hazard_ratio."""
        ...

    @property
    def subgroups(self) -> pl.DataFrame:
        """variable, subgroup, model, metric, horizon, estimate, lower, upper, train_site, test_site."""
        ...

    @property
    def subgroup_differences(self) -> pl.DataFrame:
        """variable, subgroup, model, metric, horizon, difference, lower, upper, adjusted_p_value and the two sites."""
        ...

    @property
    def transport(self) -> pl.DataFrame:
        """model, metric, setting (home, abroad, pooled), estimate, lower, upper, i2, test_sites, directions."""
        ...

    @property
    def runs(self) -> pl.DataFrame:
        """run_id, site, model, role, started."""
        ...

    @property
    def versions(self) -> pl.DataFrame:
        """name, version."""
        ...

    @property
    def signed(self) -> bool:
        """Whether runs had to be signed by their sites."""
        ...

    @property
    def verdicts(self) -> pl.DataFrame:
        """run_id, name, site, model, model_site, role, version, sha256, started, state, use."""
        ...

    @property
    def changes(self) -> pl.DataFrame:
        """run_id, name, site, model, role, field, signed, stored."""
        ...

    @property
    def missing(self) -> pl.DataFrame:
        """model, train_site, test_site, reason."""
        ...

    @property
    def meta(self) -> PooledPerformance:
        """Measures of prediction pooled over institutions."""
        ...

    @property
    def best(self) -> Best:
        """The best model, with intervals that allow for the models compared."""
        ...

    @property
    def fairness(self) -> pl.DataFrame:
        """evidence, model, train_site, test_site, variable, metric, horizon, lowest and highest group and value."""
        ...

    @property
    def settings(self) -> dict[str, object]:
        """What was decided beforehand, for the parameters of the comparison run."""
        ...

    @property
    def metrics(self) -> dict[str, float]:
        """Every estimate with its limits, for the metrics of the comparison run."""
        ...
