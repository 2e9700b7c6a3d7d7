"""Batches of a trainee's own plant in which something went wrong, drawn from the trainee's seed.

A trainee gets what a plant has: records. What really happened is in no variable of a notebook; the tests of a module
take it from ``case_truth``. The library is open, and who reads it finds it: this is for learning, not for examination.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from biolab.bioprocess import BatchRecord, BatchResult, CHOFedBatch, Recipe, TamperedRecord, alarms, begin
from biolab.bioprocess.record import batch_record
from biolab.core import ConfigError, spawn_seed

from . import case_draws as draws
from .case_draws import LETTERS, NOTHING, PAPERS

__all__ = ["LETTERS", "NOTHING", "PAPERS", "Action", "Casebook", "offgas_log"]
Action = Sequence[object]
"""When (h), which set-point, and its new value."""


@dataclass(frozen=True)
class Casebook:
    """The cases of one trainee; the same seed gives the same cases.

    >>> book = Casebook(7)
    >>> sorted(book.mixed) == list(LETTERS), book.record("drift").batch
    (True, 'drift')
    """

    seed: int

    @cached_property
    def plant(self) -> CHOFedBatch:
        """The plant that all batches ran on but that of the dilution, where another clone grew."""
        return CHOFedBatch()

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that all batches followed: the standard one, with a sample every 12 hours."""
        return draws.recipe()

    @cached_property
    def good(self) -> BatchRecord:
        """The record of a batch in which nothing went wrong."""
        return draws.record_of(self.seed, "good", ())

    def record(self, case: str) -> BatchRecord:
        """Return the record of ``drift``, ``blockage``, ``dilution`` or ``cascade``.

        Raises
        ------
        ConfigError
            If there is no such case.
        """
        return draws.record_of(self.seed, case, (draws.fault_of(self.seed, case),))

    @cached_property
    def mixed(self) -> dict[str, BatchRecord]:
        """Six records, A to F: five with a fault each, one without."""
        return {
            letter: draws.record_of(self.seed, letter, () if kind == NOTHING else (draws.mixed_fault(self.seed, kind),))
            for letter, kind in draws.kinds_of(self.seed).items()
        }

    @cached_property
    def papers(self) -> dict[str, BatchRecord]:
        """Three records, P to R: one as written, one with an edited reading, one with an entry rewritten."""
        return {letter: self._tampered(letter) for letter in PAPERS}

    @cached_property
    def kept_heads(self) -> dict[str, str]:
        """The last digest of each of the three records, as quality assurance kept it when the batch ended."""
        return {letter: draws.paper(self.seed, letter).trail.head for letter in PAPERS}

    def replay(self, actions: Sequence[Action]) -> BatchRecord:
        """Run the batch of the case ``cascade`` with an operator's actions: ``[(time_h, set-point, value), ...]``.

        Raises
        ------
        ConfigError
            If an action is none, comes before the first alarm, or asks for what the equipment cannot do.
        """
        return batch_record(self._replayed(actions), author="trainee", batch="cascade")

    def first_call_h(self, case: str, limit_ph: float) -> float | None:
        """Return when a shift acts that compares pH probe and sample; ``None`` if it never does.

        It acts at the second of two samples in a row that differ from the probe by more than the limit.
        """
        faults = () if case == "good" else (draws.fault_of(self.seed, case),)
        return _call_h(draws.run(self.seed, case, faults), limit_ph)

    def false_calls(self, limit_ph: float, *, batches: int = 40) -> int:
        """Return in how many of so many good batches a shift with this limit acts for nothing."""
        return sum(
            _call_h(draws.run(self.seed, f"good {number}", ()), limit_ph) is not None for number in range(batches)
        )

    @cached_property
    def first_alarm_h(self) -> float:
        """When the first alarm of the case ``cascade`` rang; before it nobody has a reason to act."""
        ran = draws.run(self.seed, "cascade", (draws.fault_of(self.seed, "cascade"),))
        found = alarms(ran.trajectories, self.recipe)
        return float(found["raised_h"][0])

    def outcome(self, actions: Sequence[Action]) -> dict[str, float]:
        """Return what became of the case ``cascade`` after an operator's actions, from the true state of the plant.

        ``short_h``: how long oxygen was below 20 %; ``product_share``: the antibody made over that of the good batch;
        ``gas_flow_l_per_min`` and ``pco2_mmhg``: the most that was reached.
        """
        after = self._replayed(actions)
        frame, good = after.trajectories, draws.run(self.seed, "good", ())
        return {
            "short_h": float(frame.filter(pl.col("dissolved_oxygen_percent") < 20.0).height),
            "product_share": after.metrics["product_g"] / good.metrics["product_g"],
            "gas_flow_l_per_min": float(frame["gas_flow_l_per_min"].to_numpy().max()),
            "pco2_mmhg": float(frame["pco2_mmhg"].to_numpy().max()),
        }

    def _tampered(self, letter: str) -> BatchRecord:
        record, truth = draws.paper(self.seed, letter), draws.papers_of(self.seed)
        if truth[letter] == "reading":
            value = float(truth["original"]) * 0.8  # ty: ignore[invalid-argument-type]
            at, column = float(truth["time_h"]), str(truth["column"])  # ty: ignore[invalid-argument-type]
            return TamperedRecord(target="reading", time_h=at, column=column, value=value).apply(record)
        if truth[letter] == "rewritten":
            at = float(record.trail.only("alarm")[0].time_h)
            return TamperedRecord(target="rewriting", time_h=at).apply(record)
        return record

    def _replayed(self, actions: Sequence[Action]) -> BatchResult:
        faults, seed = (draws.fault_of(self.seed, "cascade"),), draws.batch_seed(self.seed, "cascade")
        session = begin(self.plant, self.recipe, faults=faults, seed=seed)
        for time_h, setpoint, value in sorted(_read(each) for each in actions):
            if time_h < self.first_alarm_h:
                raise ConfigError(
                    f"An action at {time_h:g} h comes before the first alarm at {self.first_alarm_h:g} h; nobody could "
                    "have known. Act at the alarm or later."
                )
            if time_h > session.time_h:
                session.advance(round(time_h) - session.time_h)
            session.change(setpoint, value, who="trainee", why="DO alarm")
        session.advance(session.hours)
        return session.result()


def offgas_log(plant: CHOFedBatch, seed: int) -> pl.DataFrame:
    """Return the log of a batch whose oxygen probe drifts from some hour on: its reading, gas in, and off-gas analysis.

    ``do_reading_percent`` is what the probe shows, ``our_mmol_per_l_h`` the uptake by off-gas (2 % noise), and
    ``oxygen_share_in`` the oxygen of the gas that goes in; from hour 48 on.
    """
    ran = draws.oxygen_run(plant, seed).trajectories
    noise = np.random.default_rng(spawn_seed(seed, "off-gas")).normal(1.0, 0.02, ran.height)
    log = ran.select(
        "time_h",
        "kla_per_h",
        "gas_flow_l_per_min",
        "volume_l",
        do_reading_percent="dissolved_oxygen_percent_measured",
        our_mmol_per_l_h=pl.col("oxygen_uptake_mmol_per_l_h") * pl.Series(noise),
        oxygen_share_in=pl.col("oxygen_fraction") * (1 - pl.col("co2_fraction")),
    )
    return log.filter(pl.col("time_h") >= 48).drop_nulls()


def _call_h(result: BatchResult, limit_ph: float) -> float | None:
    seen = result.trajectories.drop_nulls("offline_ph_measured")
    apart = (seen["ph_measured"] - seen["offline_ph_measured"]).abs() > limit_ph
    return seen.filter(apart & apart.shift(1, fill_value=False))["time_h"].first()  # ty: ignore[invalid-explicit-return]


def _read(action: object) -> tuple[float, str, float]:
    try:
        time_h, setpoint, value = action  # ty: ignore[not-iterable]
        return float(time_h), str(setpoint), float(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{action!r} is no action; expected (time_h, set-point, value).") from error
