"""What a check is made against: the rules and, at the site, the traces of its cohort."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from .findings import Finding
from .rules import Rules
from .traces import Traces, traces_of
from .words import check_text, hidden_in

MOST_NESTED = 3


@dataclass(frozen=True, kw_only=True)
class Scrutiny:
    """The rules, what to look for of the cohort, and how deep inside something else the content stands."""

    rules: Rules
    traces: Traces | None = None
    depth: int = 0

    @property
    def inside(self) -> "Scrutiny":
        """Return the scrutiny of what is packed in something else."""
        return replace(self, depth=self.depth + 1)

    def text(self, where: str, text: str) -> Iterator[Finding]:
        """Check a text for what names a person and for what it hides; traces are looked for in whole files."""
        yield from check_text(where, text)
        yield from self.hidden(where, text)

    def hidden(self, where: str, text: str) -> Iterator[Finding]:
        """Check what a text hides in data URIs and base64 as it would be checked on its own."""
        from .contents import check_content

        for kind, content in hidden_in(text):
            place = f"{where}, {kind}"
            if content is None or self.depth >= MOST_NESTED:
                yield Finding(
                    where=place,
                    rule="hidden-content",
                    what="it holds encoded content that cannot be read",
                    remedy="Leave it out, or release what it holds as a file of its own.",
                )
            else:
                yield from check_content(place, content, self.inside)


def scrutiny_of(rules: Rules, cohort: "pl.DataFrame | Traces | None" = None) -> Scrutiny:
    """Return what to check against; a cohort also says how many patients there are.

    Prepare the traces once with ``traces_of`` where many things are checked against one cohort.
    """
    traces = traces_of(cohort, rules) if isinstance(cohort, pl.DataFrame) else cohort
    if traces is not None and rules.cohort_size is None:
        rules = replace(rules, cohort_size=traces.patients)
    return Scrutiny(rules=rules, traces=traces)
