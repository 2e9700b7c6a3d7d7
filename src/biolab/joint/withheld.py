"""What a site could not or may not give, and why: a part of the result, not an error that stops a study."""

from dataclasses import asdict, dataclass
from typing import Literal

import polars as pl

from biolab.tracking import Store, experiment_name, recorded_run

from .protocol import Protocol
from .records import describe_run, run_tags, site_parameters

Reason = Literal["events", "fit"]
WITHHELD_SCHEMA = {"site": pl.String, "model": pl.String, "reason": pl.String}
STATE = "state"
"""Parameter of a site's run: "complete", or "withheld" where nothing of the site may be shown."""


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """A site (``model`` is null) or one of its models that is not there.

    ``events``: the site has fewer events than ``release.minimum_events``; not even its counts leave. ``fit``: the model
    could not be fitted there or has too many coefficients for the site's patients.
    """

    site: str
    model: str | None = None
    reason: Reason


def withheld_table(found: list[Withheld]) -> pl.DataFrame:
    """Return site, model and reason, a row each."""
    return pl.DataFrame([asdict(one) for one in found], schema=WITHHELD_SCHEMA)


def record_withheld_site(protocol: Protocol, site: str, store: Store) -> str:
    """Record that a site took part and has too few events to show anything; return the run's id."""
    with recorded_run(
        store,
        experiment=experiment_name(protocol.name),
        name=site,
        tags=run_tags(protocol, role="site", site=site),
        description=describe_run(protocol, f"{protocol.site(site).label.en}: too few events, nothing is shown"),
    ) as run:
        run.params({**site_parameters(protocol), STATE: "withheld"})
        run.text("protocol.json", protocol.canonical)
        run.table("withheld", withheld_table([Withheld(site=site, reason="events")]))
    return run.run_id
