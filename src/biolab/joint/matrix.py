"""The external validation matrix: every place it has, and why a place is still empty."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from .admission import Admission
from .pooling import POOLED
from .protocol import Protocol
from .withheld import STATE

Cell = tuple[str, str, str]
"""A model, where it was fitted (``others`` for all other sites pooled), and where it is judged."""
Reason = Literal["refused", "withheld", "no site run", "no model", "not validated yet"]
MISSING_SCHEMA = dict.fromkeys(("model", "train_site", "test_site", "reason"), pl.String())


def cells(protocol: Protocol) -> tuple[Cell, ...]:
    """List the places of a protocol's matrix: every model at home, and elsewhere as ``evaluation.exchange`` says."""
    sites, exchange = list(protocol.sites), protocol.evaluation.exchange
    pooled = "pooled" in exchange and len(sites) > 2
    return tuple(
        (spec.name, train, test)
        for spec in protocol.models
        for train in [*sites, *([POOLED] if pooled else [])]
        for test in sites
        if train in {test, POOLED} or "pairs" in exchange
    )


def missing_cells(protocol: Protocol, admission: Admission, performance: pl.DataFrame) -> pl.DataFrame:
    """List each model x training site x testing site that has no result, and why; nothing missing is an error.

    Columns model, train_site, test_site, reason: ``refused`` (a run of this place does not hold), ``no site run`` (a
    site has not reported yet), ``withheld`` (a site has too few events to show anything), ``no model`` (the training
    site has not released it, or fewer than two others have) or ``not validated yet``.
    """
    there = set(performance.select("model", "train_site", "test_site").iter_rows())
    known = _Known(
        sites=tuple(protocol.sites),
        reported=frozenset(str(run.site) for run in admission.sites),
        withheld=frozenset(str(run.site) for run in admission.sites if run.params.get(STATE) == "withheld"),
        released=frozenset((str(run.model), str(run.site)) for run in admission.models),
        refused=frozenset(admission.refused.select("role", "site", "model", "model_site").iter_rows()),
    )
    rows = [
        {"model": model, "train_site": train, "test_site": test, "reason": known.reason(model, train, test)}
        for model, train, test in cells(protocol)
        if (model, train, test) not in there
    ]
    return pl.DataFrame(rows, schema=MISSING_SCHEMA)


@dataclass(frozen=True, kw_only=True)
class _Known:
    """Who reported, who shows nothing, which models are there and which runs do not hold."""

    sites: tuple[str, ...]
    reported: frozenset[str]
    withheld: frozenset[str]
    released: frozenset[tuple[str, str]]
    refused: frozenset[tuple[str | None, ...]]

    def reason(self, model: str, train: str, test: str) -> Reason:
        """Say why there is no result of a model fitted at one site and judged at another."""
        trains = [train] if train != POOLED else [site for site in self.sites if site != test]
        if ("validation", test, model, train) in self.refused or any(self._is_refused(model, site) for site in trains):
            return "refused"
        if {train, test} & self.withheld:
            return "withheld"
        if not {test, *trains} <= self.reported:
            return "no site run"
        released = sum((model, site) in self.released for site in trains)
        return "not validated yet" if released > (train == POOLED) else "no model"

    def _is_refused(self, model: str, site: str) -> bool:
        """Say whether what a site said of itself or of a model does not hold, and nothing else stands for it."""
        if ("site", site, None, None) in self.refused and site not in self.reported:
            return True
        return ("model", site, model, site) in self.refused and (model, site) not in self.released
