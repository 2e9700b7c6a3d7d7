"""Monitoring as people see it: charts with limits, which variables raised an alarm, and the band of good batches."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from biolab.bioprocess import GoldenBatch, Verdict
from biolab.bioprocess.monitoring.trajectories import Batch, frame_of
from biolab.core import ConfigError, did_you_mean

from .figures.monitoring_charts import (
    Chart,
    Contributions,
    contribution_bars,
    control_charts,
    golden_bands,
    variable_name,
)  # fmt: skip
from .language import Language
from .legend import Legend


def control_chart_figure(verdict: Verdict, *, language: Language = "en") -> Figure:
    """Draw a batch's charts (T2 and SPE, or the oxygen residual) against their limits, with the alarm.

    Parameters
    ----------
    verdict
        What ``check`` of a monitor said.
    language
        Of the words in the figure.
    """
    legend = Legend(language=language)
    time = verdict.charts["time_h"].to_numpy()
    charts = [
        Chart(_title(name, legend), time, verdict.charts[name].to_numpy(), verdict.charts[f"{name}_limit"].to_numpy())
        for name in verdict.statistics
    ]
    return control_charts(charts, legend, alarm_h=verdict.alarm_h)


def contribution_figure(verdict: Verdict, *, language: Language = "en", most: int = 8) -> Figure:
    """Draw what each variable adds to each chart: where it first passed its limit, or else where it came nearest.

    Parameters
    ----------
    verdict
        What ``check`` of a multiway monitor said.
    language
        Of the words in the figure.
    most
        How many variables are drawn of each chart.

    Raises
    ------
    ConfigError
        If the verdict has no contributions: those of the oxygen residual have one variable only.
    """
    if not verdict.parts:
        raise ConfigError("The verdict has no contributions; its chart has one variable. Draw its chart instead.")
    legend = Legend(language=language)
    found = []
    for name in verdict.parts:
        table = verdict.contributions(name)
        share = table["share"].to_numpy() * np.sign(table["contribution"].to_numpy())
        labels = [variable_name(variable, legend) for variable in table["variable"]]
        title = legend.prose(
            "monitoring.contribution_title",
            {"chart": legend.prose(f"monitoring.{name}_short"), "hour": f"{_shown_h(verdict, name):g}"},
        )
        found.append(Contributions(title, labels, share.tolist()))
    return contribution_bars(found, legend, most=most)


def golden_batch_figure(
    golden: GoldenBatch, batch: Batch, *, variables: Sequence[str] | None = None, language: Language = "en"
) -> Figure:
    """Draw a batch over the band of good batches; what left the band stands out.

    Parameters
    ----------
    golden
        Mean and bands.
    batch
        A frame or a result.
    variables
        Which ones to draw; by default all of the golden batch.
    language
        Of the words in the figure.

    Raises
    ------
    ConfigError
        If the golden batch does not have a variable (the nearest is named).
    """
    known = golden.bands["variable"].unique(maintain_order=True).to_list()
    chosen = known if variables is None else list(variables)
    for name in chosen:
        if name not in known:
            raise ConfigError(f"The golden batch has no {name!r}. {did_you_mean(name, known)}")
    legend = Legend(language=language)
    return golden_bands(golden.bands, frame_of(batch), legend, variables=chosen, outside=golden.outside(batch))


def _title(statistic: str, legend: Legend) -> str:
    key = f"monitoring.chart_{statistic}"
    return legend.prose(key) if legend.prose.has(key) else statistic


def _shown_h(verdict: Verdict, statistic: str) -> float:
    """Return the hour that a chart's contributions are of."""
    ratio = (verdict.charts[statistic] / verdict.charts[f"{statistic}_limit"]).to_numpy()
    above = np.flatnonzero(ratio > 1.0)
    return float(verdict.charts["time_h"].to_numpy()[above[0] if above.size else ratio.argmax()])
