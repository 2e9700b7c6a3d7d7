"""The external validation matrix: every place it has, and why a place is still empty."""

from typing import Literal

import polars as pl

from .admission import Admission
from .protocol import Protocol

Reason = Literal["refused", "no site run", "no model", "not validated yet"]
MISSING_SCHEMA = dict.fromkeys(("model", "train_site", "test_site", "reason"), pl.String())


def missing_cells(protocol: Protocol, admission: Admission, performance: pl.DataFrame) -> pl.DataFrame:
    """List each model x training site x testing site that has no result, and why; nothing missing is an error.

    Columns model, train_site, test_site, reason: ``refused`` (a run of this place does not hold), ``no site run`` (a
    site has not reported yet), ``no model`` (the training site has not released it) or ``not validated yet``.
    """
    there = set(performance.select("model", "train_site", "test_site").iter_rows())
    reported = {run.site for run in admission.sites}
    released = {(run.model, run.site) for run in admission.models}
    refused = set(admission.refused.select("role", "site", "model", "model_site").iter_rows())

    def why(model: str, train: str, test: str) -> Reason:
        role = "model" if train == test else "validation"
        places = [("site", train, None, None), ("model", train, model, train), (role, test, model, train)]
        empty = [place for place in places if place in refused]
        if train in reported:
            empty = [place for place in empty if place[0] != "site"]
        if (model, train) in released:
            empty = [place for place in empty if place[0] != "model"]
        if empty:
            return "refused"
        if train not in reported or (test not in reported and train != test):
            return "no site run"
        return "not validated yet" if (model, train) in released else "no model"

    rows = [
        {"model": spec.name, "train_site": train, "test_site": test, "reason": why(spec.name, train, test)}
        for spec in protocol.models
        for train in protocol.sites
        for test in protocol.sites
        if (spec.name, train, test) not in there
    ]
    return pl.DataFrame(rows, schema=MISSING_SCHEMA)
