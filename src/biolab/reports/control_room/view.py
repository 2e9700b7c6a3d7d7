"""A batch record as trends: what the console would have shown, for a notebook or a page."""

from dataclasses import dataclass

from biolab.bioprocess import BatchRecord, alarms
from biolab.reports.language import Language, prose

from .trends import trends


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """The trends of a record; notebooks show them as SVG."""

    svg: str
    batch: str

    def _repr_html_(self) -> str:
        return f'<div style="background:white;padding:6px">{self.svg}</div>'


def record_view(record: BatchRecord, *, language: Language = "en") -> RecordView:
    """Draw what a batch record holds: measured quantities, set-points, alarms; the true state is not in it.

    >>> from biolab.bioprocess import CHOFedBatch, simulate
    >>> record_view(simulate(CHOFedBatch(), hours=24).record).batch
    'cho-standard-0'
    """
    frame = record.measurements
    found = alarms(frame, record.recipe)
    drawn = trends(frame, found, record.recipe, prose(language), hours=max(float(frame["time_h"][-1]), 1.0))
    return RecordView(svg=drawn, batch=record.batch)
