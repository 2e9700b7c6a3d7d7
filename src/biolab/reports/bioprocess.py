"""A batch as people get it: its figure, its deviation report, and a run in MLflow that holds both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from matplotlib.figure import Figure

from biolab.bioprocess import BatchRecord, BatchResult, Recipe, alarms, batch_record, tampered
from biolab.bioprocess.record.deviations import ASSESSED, Deviation
from biolab.core import write_atomically
from biolab.tracking import LoggedBatch, Store, log_batch

from .figures import svg
from .figures.batch_trends import Span, Timeline, batch_trends
from .language import Language, Prose, prose
from .legend import Legend

QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "cho-fed-batch": (
        *("viable_cells_1e6_per_ml", "viability", "titre_g_per_l"),
        *("glucose_g_per_l", "lactate_g_per_l", "ammonium_mmol_per_l"),
        *("ph", "dissolved_oxygen_percent", "temperature_c"),
        *("pco2_mmhg", "osmolality_mosm_per_kg", "volume_l"),
        *("agitation_rpm", "oxygen_fraction", "feed_l_per_h"),
    ),
    "ecoli-fed-batch": (
        *("biomass_g_per_l", "glucose_g_per_l", "acetate_g_per_l"),
        *("ph", "dissolved_oxygen_percent", "temperature_c"),
        *("agitation_rpm", "oxygen_fraction", "feed_l_per_h"),
        *("volume_l", "ammonium_mmol_per_l", "titre_g_per_l"),
    ),
}
"""What a figure of each plant shows."""
_PROBES = {"ph": "pH", "dissolved_oxygen": "DO"}


def batch_figure(
    result: BatchResult,
    *,
    language: Language = "en",
    bands: pl.DataFrame | None = None,
    truth: bool = False,
    show_faults: bool = True,
) -> Figure:
    """Draw a batch: phases, faults and alarms in time, and the trend of every quantity with its set-point.

    Parameters
    ----------
    result
        A batch that ran.
    language
        Of the words in the figure.
    bands
        variable, time_h, mean, lower, upper: where good batches ran, as a golden batch has them.
    truth
        Draw the true state beside what was measured; nobody at a plant sees it.
    show_faults
        Show the faults that were injected; a trainee who is to find them should not see them.
    """
    say = prose(language)
    end_h = float(result.trajectories["time_h"].to_numpy()[-1])
    found = alarms(result.trajectories, result.recipe)
    timeline = Timeline(
        phases=_phases(result.recipe, end_h, say),
        faults=[*_faults(result, end_h, say)] if show_faults else [],
        alarms=[*_alarms(found, result.recipe, end_h, say)],
    )
    quantities = QUANTITIES[result.recipe.plant]
    return batch_trends(
        result.trajectories,
        Legend(language=language),
        quantities=quantities,
        timeline=timeline,
        alarms=found,
        bands=bands,
        truth=truth,
    )


def _phases(recipe: Recipe, end_h: float, say: Prose) -> list[Span]:
    row = say("bioprocess.phases")
    return [
        Span(row, step.start_h, min(step.end_h, end_h), _phase(step.phase, say))
        for step in recipe.steps
        if step.start_h < end_h
    ]


def _phase(name: str, say: Prose) -> str:
    """Name a phase; one that biolab does not know goes by its own name."""
    return say(f"bioprocess.phase_{name}") if say.has(f"bioprocess.phase_{name}") else name


def _faults(result: BatchResult, end_h: float, say: Prose) -> Iterator[Span]:
    for fault in result.faults:
        start = getattr(fault, "start_h", None)
        if start is not None and start < end_h:
            lasts = getattr(fault, "hours", None)
            end = getattr(fault, "end_h", None) if lasts is None else start + lasts
            yield Span(_fault_name(fault, say), start, min(end_h if end is None else end, end_h))


def _fault_name(fault: object, say: Prose) -> str:
    key = f"bioprocess.fault_{getattr(fault, 'kind', '')}"
    probe = str(getattr(fault, "probe", ""))
    return say(key, {"probe": _PROBES.get(probe, probe)}) if say.has(key) else type(fault).__name__


def _alarms(found: pl.DataFrame, recipe: Recipe, end_h: float, say: Prose) -> Iterator[Span]:
    variables = {alarm.name: alarm.variable for alarm in recipe.alarms}
    for row in found.iter_rows(named=True):
        name = row["name"] if row["name"] != variables[row["name"]] else _quantity(row["variable"], say)
        end = end_h if row["cleared_h"] is None else row["cleared_h"]
        yield Span(f"{say('bioprocess.alarm')}: {name}", row["raised_h"], end)


def _quantity(name: str, say: Prose) -> str:
    key = f"bioprocess.quantity_{name}"
    return say(key).split(",")[0] if say.has(key) else name


def deviation_report(record: BatchRecord, *, language: Language = "en") -> str:
    """Write the deviation report of a batch as Markdown: what, when, where seen, impact, cause, CAPA, reviewers.

    What nobody has assessed yet is said to be so; a record that was tampered with says that first.
    """
    say = prose(language)
    lines = [f"# {say('bioprocess.report_title', {'batch': record.batch})}", "", _facts(record, say), ""]
    if findings := record.findings():
        lines += [
            f"**{say('bioprocess.report_changed')}**",
            "",
            *(f"- {where}: {what}" for where, what in findings),
            "",
        ]
    else:
        lines += [say("bioprocess.report_whole", {"head": record.trail.head}), ""]
    found = record.deviations
    for deviation in found:
        lines += [*_section(deviation, record, say), ""]
    if not found:
        lines += [say("bioprocess.report_none"), ""]
    return "\n".join(lines)


def _facts(record: BatchRecord, say: Prose) -> str:
    recipe = record.recipe
    return say(
        "bioprocess.report_facts",
        {
            "recipe": recipe.name,
            "version": recipe.version,
            "sha256": recipe.sha256[:16],
            "author": record.author,
            "status": _status(record, say),
        },
    )


def _status(record: BatchRecord, say: Prose) -> str:
    last = record.trail.entries[-1]
    values = {"who": last.who, "when": last.time[:10], "why": last.why}
    return say(f"bioprocess.status_{record.status}", values if record.status != "open" else {})


def _section(deviation: Deviation, record: BatchRecord, say: Prose) -> list[str]:
    reviewed = record.trail.only("approve", "reject")
    todo = say("bioprocess.report_todo")
    rows = [
        ("what", _what(deviation, say)),
        ("when", _when(deviation, say)),
        (
            "where",
            say("bioprocess.report_where_column", {"column": deviation.where, "start": f"{deviation.start_h:g}"}),
        ),
        *((name, getattr(deviation, name) or todo) for name in ASSESSED),
        ("assessed", deviation.assessed_by or todo),
        ("reviewed", reviewed[-1].who if reviewed else say("bioprocess.report_not_reviewed")),
    ]
    title = f"## {deviation.id}: {_quantity(deviation.what, say)} ({say(f'bioprocess.priority_{deviation.priority}')})"
    return [title, "", *(f"- **{say(f'bioprocess.report_{name}')}**: {text}" for name, text in rows)]


def _what(deviation: Deviation, say: Prose) -> str:
    if deviation.limit is None or deviation.extreme is None:
        return deviation.said
    low = deviation.extreme < deviation.limit
    values = {
        "quantity": _quantity(deviation.where.removesuffix("_measured"), say),
        "side": say("bioprocess.side_low" if low else "bioprocess.side_high"),
        "limit": f"{deviation.limit:.4g}",
        "extreme": f"{deviation.extreme:.4g}",
        "unit": deviation.unit,
    }
    return say("bioprocess.report_what_alarm", values)


def _when(deviation: Deviation, say: Prose) -> str:
    values: dict[str, Any] = {"start": f"{deviation.start_h:g}", "phase": _phase(deviation.phase, say)}
    if deviation.end_h is None:
        return say("bioprocess.report_when_open", values)
    length = f"{deviation.end_h - deviation.start_h:g}"
    return say("bioprocess.report_when_closed", {**values, "end": f"{deviation.end_h:g}", "length": length})


@dataclass(frozen=True, kw_only=True)
class PublishedBatch:
    """Where a batch can be read: its folder and its run; and the record, with the digest kept of it when written."""

    folder: Path
    record: BatchRecord
    head: str
    logged: LoggedBatch


def publish_batch(  # noqa: PLR0913 - a batch is published with what its readers may see
    result: BatchResult,
    store: Store,
    *,
    output: Path,
    author: str = "operator",
    language: Language = "en",
    labels: Mapping[str, str] | None = None,
    show_faults: bool = True,
) -> PublishedBatch:
    """Write record, figure and deviation report into a folder of their own, and log the batch to MLflow with them.

    Tampering that the batch's faults ask for is done to the record after the digest of its last entry was kept.

    Raises
    ------
    BiolabError
        If the folder cannot be written.
    TrackingError
        If the store cannot be written.
    """
    written = batch_record(result, author=author)
    record = tampered(written, result.faults, seed=result.seed)
    folder = record.save(output.resolve() / record.batch)
    figure = batch_figure(result, language=language, show_faults=show_faults)
    drawn = svg(figure, name="batch", description=str(figure.get_label()))
    report = deviation_report(record, language=language)
    write_atomically(folder / f"batch.{language}.svg", drawn)
    write_atomically(folder / f"deviations.{language}.md", report)
    logged = log_batch(
        store,
        result,
        record,
        head=written.trail.head,
        folder=folder,
        texts={f"figures/batch.{language}.svg": drawn, f"deviations.{language}.md": report},
        labels=labels,
        show_faults=show_faults,
    )
    return PublishedBatch(folder=folder, record=record, head=written.trail.head, logged=logged)
