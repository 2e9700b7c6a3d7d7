"""The batch record: recipe, measurements and audit trail in one, which shows where it was tampered with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from biolab.bioprocess.recipe import Recipe
from biolab.core import ConfigError, DataError, did_you_mean, write_atomically

from .deviations import ASSESSED, Deviation, deviation_table, deviations
from .parquet import read_with_units, write_with_units
from .seals import Finding, changed_cells
from .trail import Action, AuditTrail

Status = Literal["open", "approved", "rejected"]
SYSTEM = "system"
TRAIL, MEASUREMENTS, RECIPE = "trail.jsonl", "measurements.parquet", "recipe.toml"


@dataclass(frozen=True, kw_only=True)
class BatchRecord:
    """What a batch leaves behind, as ALCOA+ asks: every entry attributable, timed, original, and complete.

    The measurements are sealed day by day in the trail, the trail hangs together by digests, and the recipe is named by
    its own. ``findings`` looks at all three. Nothing changes a record: each step returns a new one with more entries.

    What it cannot show: a record whose every digest was made anew. ``head``, kept elsewhere (in MLflow, by the
    reviewer), can.
    """

    batch: str
    recipe: Recipe
    measurements: pl.DataFrame
    trail: AuditTrail

    @property
    def author(self) -> str:
        """Who made the batch."""
        return next((entry.who for entry in self.trail.entries if entry.role != SYSTEM), "")

    @property
    def status(self) -> Status:
        """Whether a second person approved or rejected the record, and nobody wrote to it since."""
        last = self.trail.entries[-1].action if self.trail.entries else ""
        return "approved" if last == "approve" else "rejected" if last == "reject" else "open"

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """What left its limits, with what people said about it."""
        return deviations(self.trail, self.measurements)

    def deviation_table(self) -> pl.DataFrame:
        """Return one row a deviation."""
        return deviation_table(self.deviations)

    def findings(self, *, head: str | None = None) -> tuple[Finding, ...]:
        """Say where the record was tampered with: broken entries, changed readings, another recipe, a cut end.

        Parameters
        ----------
        head
            The digest of an entry that somebody kept elsewhere.
        """
        found = list(self.trail.findings(head=head))
        made = self.trail.only("create")
        if not made or not isinstance(made[0].new, Mapping) or made[0].new.get("recipe_sha256") != self.recipe.sha256:
            found.append(Finding(RECIPE, "it is not the recipe that the batch was made by"))
        if not self.trail.only("end"):
            found.append(Finding("audit trail", "it has no end: the batch was not finished, or its end was cut off"))
        seals = [entry.new for entry in self.trail.only("seal")]
        return (*found, *changed_cells(self.measurements, seals))

    def verify(self, *, head: str | None = None) -> None:
        """Make sure that the record is as it was written.

        Raises
        ------
        DataError
            Names the first broken entry and every changed reading.
        """
        found = self.findings(head=head)
        if found:
            lines = [f"{where}: {what}" for where, what in found]
            more = [f"and {len(lines) - 20} more"] if len(lines) > 20 else []
            raise DataError(
                "\n- ".join([f"The record of batch {self.batch} was changed after it was written:", *lines[:20], *more])
            )

    def deviate(self, *, time_h: float, what: str, who: str, why: str, role: str = "operator") -> "BatchRecord":
        """Return the record with a deviation that a person saw."""
        return self._with("deviate", what, time_h=time_h, who=who, role=role, why=why)

    def correct(
        self, *, time_h: float, column: str, value: float, who: str, why: str, role: str = "operator"
    ) -> "BatchRecord":
        """Return the record with a reading corrected the right way: the original stays, old, new and reason beside it.

        Raises
        ------
        ConfigError
            If there is no such reading, or no reason is given.
        """
        if column not in self.measurements.columns:
            raise ConfigError(f"The record has no {column!r}. {did_you_mean(column, self.measurements.columns)}")
        row = self.measurements.filter((pl.col("time_h") - time_h).abs() < 1e-9)
        if row.is_empty():
            raise ConfigError(f"The record has no reading at {time_h:g} h; give the time of a row.")
        _require(why, "why", f"the correction of {column} at {time_h:g} h")
        return self._with("correct", column, time_h=time_h, who=who, role=role, why=why, old=row[column][0], new=value)

    def assess(  # noqa: PLR0913 - a deviation is assessed on four questions
        self,
        deviation: str,
        *,
        who: str,
        impact: str,
        root_cause: str,
        corrective_action: str,
        preventive_action: str,
        role: str = "operator",
        now: datetime | None = None,
    ) -> "BatchRecord":
        """Return the record with a deviation's impact, root cause, corrective and preventive action.

        Raises
        ------
        ConfigError
            If there is no such deviation (the nearest is named) or one of the four is empty.
        """
        known = [each.id for each in self.deviations]
        if deviation not in known:
            raise ConfigError(f"Batch {self.batch} has no deviation {deviation!r}. {_known(deviation, known)}")
        said = dict(zip(ASSESSED, (impact, root_cause, corrective_action, preventive_action), strict=True))
        for name, text in said.items():
            _require(text, name, deviation)
        return self._with("assess", deviation, who=who, role=role, new=said, now=now)

    def review(
        self, *, who: str, decision: Literal["approve", "reject"], why: str, now: datetime | None = None
    ) -> "BatchRecord":
        """Return the record approved or rejected by a second person.

        Raises
        ------
        ConfigError
            If the reviewer made an entry of the record, no reason is given, or a record is to be approved while a
            deviation is not assessed.
        DataError
            If a record is to be approved that was tampered with.
        """
        makers = {entry.who.casefold() for entry in self.trail.entries if entry.role not in {SYSTEM, "reviewer"}}
        if who.strip().casefold() in makers:
            raise ConfigError(
                f"{who.strip()} made entries of batch {self.batch} and cannot review it. A second person has to."
            )
        _require(why, "why", f"the review of batch {self.batch}")
        if decision == "approve":
            self.verify()
            if open_ones := [each.id for each in self.deviations if not each.assessed]:
                raise ConfigError(
                    f"Batch {self.batch} cannot be approved: {', '.join(open_ones)} not assessed. Say impact, root "
                    "cause, corrective and preventive action of each, or reject the record."
                )
        reviewed = {"head": self.trail.head, "deviations": len(self.deviations)}
        return self._with(decision, f"batch {self.batch}", who=who, role="reviewer", why=why, new=reviewed, now=now)

    def save(self, folder: Path) -> Path:
        """Write the record into a folder: trail (JSON lines), measurements (Parquet with units) and recipe (TOML).

        Raises
        ------
        BiolabError
            If the folder cannot be written.
        """
        self.trail.write(folder / TRAIL)
        facts = {"batch": self.batch, "recipe": self.recipe.name, "recipe_sha256": self.recipe.sha256}
        write_with_units(self.measurements, folder / MEASUREMENTS, facts)
        write_atomically(folder / RECIPE, self.recipe.to_toml())
        return folder

    @classmethod
    def load(cls, folder: Path | str) -> "BatchRecord":
        """Read a record as it lies there, whole or not: ``verify`` says which.

        Raises
        ------
        DataError, ConfigError
            If a file is missing or is not of a record at all.
        """
        place = Path(folder)
        trail = AuditTrail.read(place / TRAIL)
        measurements, _, facts = read_with_units(place / MEASUREMENTS)
        recipe = Recipe.load(place / RECIPE)
        return cls(batch=facts.get("batch", place.name), recipe=recipe, measurements=measurements, trail=trail)

    def _with(  # noqa: PLR0913 - as AuditTrail.add
        self,
        action: Action,
        what: str,
        *,
        who: str,
        role: str,
        why: str = "",
        time_h: float | None = None,
        old: object = None,
        new: object = None,
        now: datetime | None = None,
    ) -> "BatchRecord":
        """Return the record with one more entry; its clock never runs back."""
        if self.status == "approved":
            raise ConfigError(f"Batch {self.batch} is approved; nothing is added to its record any more.")
        last = self.trail.entries[-1]
        trail = self.trail.add(
            time=max(now or datetime.now(UTC), datetime.fromisoformat(last.time)),
            time_h=last.time_h if time_h is None else time_h,
            who=who,
            role=role,
            action=action,
            what=what,
            old=old,
            new=new,
            why=why,
        )
        return replace(self, trail=trail)


def _known(name: str, known: list[str]) -> str:
    return did_you_mean(name, known) if known else "It has none."


def _require(text: str, name: str, where: str) -> None:
    if not text.strip():
        raise ConfigError(f"{where}: {name} is empty. Say it in a sentence.")
