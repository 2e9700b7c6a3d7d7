"""Numbers of an unsigned run that were logged after it had ended: MLflow keeps both and shows the later one."""

from biolab.tracking import Store, late_metrics

from .signing import Change


def late_edits(store: Store, run_id: str) -> tuple[Change, ...]:
    """Name each metric of a finished run that has points later than its end, with the value before and the one shown.

    It finds what was changed through MLflow without intent to hide it. Only a signature shows the rest: a point can
    be given any time, and tags and files have none.
    """
    found = late_metrics(store, run_id)
    return tuple(Change(field=f"metrics.{key}", signed=old, stored=new) for key, (old, new) in sorted(found.items()))
