"""A whole joint experiment on one machine: every site's part in turn, every validation, one comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from biolab.core.workers import Workers
from biolab.data import TooFewEventsError
from biolab.tracking import Store, experiment_name, mark_abandoned

from .cohorts import load_cohort
from .comparison import Comparison, compare
from .performance import Advance
from .protocol import Protocol
from .site import SiteWork, run_site
from .validation import validate_at_site, validate_pooled_at_site
from .withheld import record_withheld_site


@dataclass(frozen=True, kw_only=True)
class Steps:
    """How many steps a run takes, for a progress bar."""

    sites: int
    models: int
    exchange: tuple[str, ...] = ("pairs",)

    @property
    def total(self) -> int:
        """Calls of ``advance`` that ``run_experiment`` makes where every site can show its results."""
        a_site = 3 + 2 * self.models
        pairs = self.sites * (self.sites - 1) if "pairs" in self.exchange else 0
        pooled = self.sites if "pooled" in self.exchange else 0
        return self.sites * a_site + pairs + pooled + 1


def plan(protocol: Protocol) -> Steps:
    """Count the steps of an experiment."""
    return Steps(sites=len(protocol.sites), models=len(protocol.models), exchange=protocol.evaluation.exchange)


def run_experiment(
    protocol: Protocol,
    store: Store,
    *,
    files: Mapping[str, Path] | None = None,
    advance: Advance = lambda _: None,
    workers: Workers | None = None,
) -> Comparison:
    """Run every site of a protocol on this machine, each seeing only its own patients, and compare them.

    Every cohort is checked before anything is written. Sites meet only through what they released to the store. A site
    with too few events is recorded as withheld, and the others go on without it.

    Parameters
    ----------
    protocol
        The protocol.
    store
        Where runs are written.
    files
        Data file of a site, by its name; other sites use the data set that the protocol names.
    advance
        Called with a line of text at each of ``plan(protocol).total`` steps.
    workers
        Processes that take sites on; without them one site follows another.
    """
    mark_abandoned(store, experiment_name(protocol.name))
    works, withheld = {}, []
    for site in protocol.sites:
        advance(f"{site}: checking against the codebook")
        try:
            cohort = load_cohort(protocol, site, file=(files or {}).get(site))
        except TooFewEventsError:
            withheld.append(site)
        else:
            works[site] = SiteWork(protocol=protocol, site=site, cohort=cohort, store=store)
    for site in withheld:
        record_withheld_site(protocol, site, store)
    by_size = sorted(works.values(), key=lambda work: -work.cohort.patients)
    shared = workers or Workers(0)
    shared.share([partial(run_site, work) for work in by_size], advance=advance)
    if "pairs" in protocol.evaluation.exchange:
        pairs = [(work, site) for work, site in product(by_size, works) if work.site != site]
        shared.share([partial(validate_at_site, work, train_site=site) for work, site in pairs], advance=advance)
    if "pooled" in protocol.evaluation.exchange:
        shared.share([partial(validate_pooled_at_site, work) for work in by_size], advance=advance)
    advance("comparing the sites")
    return compare(protocol, store)
