"""Numbers of an unsigned run that were logged after it had ended: MLflow keeps both and shows the later one."""

from biolab.tracking import MetricPoint, Store, run_content

from .signing import Change


def late_edits(store: Store, run_id: str) -> tuple[Change, ...]:
    """Name each metric of a finished run that has points later than its end, with the value before and the one shown.

    It finds what was changed through MLflow without intent to hide it. Only a signature shows the rest: a point can
    be given any time, and tags and files have none.
    """
    with run_content(store, run_id) as content:
        points, ended, shown = content.points, content.ended, dict(content.shown)
    if ended is None:
        return ()
    late = sorted({point.key for point in points if point.timestamp > ended})
    return tuple(
        Change(field=f"metrics.{key}", signed=_last(points, key, ended), stored=shown.get(key)) for key in late
    )


def _last(points: tuple[MetricPoint, ...], key: str, ended: int) -> float | None:
    before = [point for point in points if point.key == key and point.timestamp <= ended]
    return max(before, key=lambda point: (point.step, point.timestamp)).value if before else None
