"""Batches of a trainee's own plant in which something went wrong, drawn from the trainee's seed.

A trainee gets what a plant has: records. What really happened is in ``truth``, for the tests of a module. The library
is open, and who reads it finds it; the exercises are for learning, not for an examination.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from biolab.bioprocess import BatchRecord, BatchResult, CHOFedBatch, Recipe, TamperedRecord, alarms, begin, simulate
from biolab.bioprocess.faults import (
    CascadeFailure,
    Contamination,
    FeedBlockage,
    FoamOut,
    JacketFailure,
    PlantFault,
    ProbeDrift,
    SamplingDilutionError,
)  # fmt: skip
from biolab.bioprocess.record import batch_record
from biolab.core import ConfigError, spawn_seed

LETTERS = ("A", "B", "C", "D", "E", "F")
PAPERS = ("P", "Q", "R")
NOTHING = "none"
READINGS = ("glucose_g_per_l_measured", "viability_measured", "lactate_g_per_l_measured")
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
        """The plant that all batches ran on."""
        return CHOFedBatch()

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that all batches followed: the standard one, with a sample every 12 hours."""
        changes = {"sampling.every_h": 12.0, "sampling.volume_ml": 6.0}
        return Recipe.load("cho-standard").changed(changes)

    @cached_property
    def good(self) -> BatchRecord:
        """The record of a batch in which nothing went wrong."""
        return self._record("good", ())

    def record(self, case: str) -> BatchRecord:
        """Return the record of ``drift``, ``blockage``, ``dilution`` or ``cascade``.

        Raises
        ------
        ConfigError
            If there is no such case.
        """
        return self._record(case, (self._fault(case),))

    @cached_property
    def mixed(self) -> dict[str, BatchRecord]:
        """Six records, A to F: five with a fault each, one without."""
        kinds = {letter: str(kind) for letter, kind in self.truth("mixed").items()}
        return {
            letter: self._record(letter, () if kind == NOTHING else (self._mixed_fault(kind),))
            for letter, kind in kinds.items()
        }

    @cached_property
    def papers(self) -> dict[str, BatchRecord]:
        """Three records, P to R: one as written, one with an edited reading, one with an entry rewritten."""
        return {letter: self._tampered(letter) for letter in PAPERS}

    @cached_property
    def kept_heads(self) -> dict[str, str]:
        """The last digest of each of the three records, as quality assurance kept it when the batch ended."""
        return {letter: self._paper(letter).trail.head for letter in PAPERS}

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
        return _call_h(self._run(case, () if case == "good" else (self._fault(case),)), limit_ph)

    def false_calls(self, limit_ph: float, *, batches: int = 40) -> int:
        """Return in how many of so many good batches a shift with this limit acts for nothing."""
        return sum(_call_h(self._run(f"good {number}", ()), limit_ph) is not None for number in range(batches))

    @cached_property
    def first_alarm_h(self) -> float:
        """When the first alarm of the case ``cascade`` rang; before it nobody has a reason to act."""
        found = alarms(self._run("cascade", (self._fault("cascade"),)).trajectories, self.recipe)
        return float(found["raised_h"][0])

    def truth(self, case: str) -> dict[str, object]:
        """Return what really happened in a case.

        Raises
        ------
        ConfigError
            If there is no such case.
        """
        if case == "mixed":
            rng = self._draw("mixed")
            kinds = [NOTHING, *rng.choice(list(_MIXED), size=len(LETTERS) - 1, replace=False).tolist()]
            return dict(zip(LETTERS, rng.permutation(kinds).tolist(), strict=True))
        if case == "papers":
            return self._truth_of_papers()
        fault = self._fault(case)
        result = self._run(case, (fault,))
        last = result.trajectories.row(-1, named=True)
        truth: dict[str, object] = {
            name: getattr(fault, name) for name in ("start_h", "per_h", "remaining", "factor") if hasattr(fault, name)
        }
        planned = 0.12 * sum(1 for k in range(10) if 72 + 24 * k >= fault.start_h)
        at_300 = result.trajectories.filter(pl.col("time_h") == 300.0)["ph"].item()
        return truth | {
            "ph_at_300_h": at_300,
            "titre_g_per_l": last["titre_g_per_l"],
            "missing_l": planned * (1.0 - float(truth.get("remaining", 1.0))),  # ty: ignore[invalid-argument-type]
        }

    def outcome(self, actions: Sequence[Action]) -> dict[str, float]:
        """Return what became of the case ``cascade`` after an operator's actions, from the true state of the plant.

        ``short_h``: how long oxygen was below 20 %; ``product_share``: the antibody made over that of the good batch;
        ``gas_flow_l_per_min`` and ``pco2_mmhg``: the most that was reached.
        """
        after = self._replayed(actions)
        frame, good = after.trajectories, self._run("good", ())
        return {
            "short_h": float(frame.filter(pl.col("dissolved_oxygen_percent") < 20.0).height),
            "product_share": after.metrics["product_g"] / good.metrics["product_g"],
            "gas_flow_l_per_min": float(frame["gas_flow_l_per_min"].to_numpy().max()),
            "pco2_mmhg": float(frame["pco2_mmhg"].to_numpy().max()),
        }

    def _fault(self, case: str) -> PlantFault:
        rng = self._draw(case)
        early, size = rng.uniform(0.0, 1.0), rng.uniform(0.0, 1.0)
        sign = 1.0 if rng.uniform() < 0.5 else -1.0
        if case == "drift":
            return ProbeDrift("ph", start_h=round(84 + 72 * early), per_h=sign * round(0.0018 + 0.0014 * size, 5))
        if case == "blockage":
            between = 24 * int(4 + 4 * early) + 4 + int(16 * size)
            return FeedBlockage(start_h=between, remaining=round(0.15 + 0.4 * size, 2))
        if case == "dilution":
            factor = 0.68 + 0.12 * size if sign < 0 else 1.2 + 0.2 * size
            return SamplingDilutionError(start_h=12 * int(10 + 9 * early), factor=round(factor, 2))
        if case == "cascade":
            return CascadeFailure(start_h=round(110 + 30 * early))
        raise ConfigError(f"There is no case {case!r}; there are drift, blockage, dilution and cascade.")

    def _mixed_fault(self, kind: str) -> PlantFault:
        rng = self._draw(f"mixed {kind}")
        start_h = round(float(rng.uniform(110, 190)))
        return replace(_MIXED[kind], start_h=start_h)

    def _paper(self, letter: str) -> BatchRecord:
        failed = round(float(self._draw(f"paper {letter}").uniform(100, 240)))
        return self._record(letter, (JacketFailure(start_h=failed, end_h=failed + 14),))

    def _tampered(self, letter: str) -> BatchRecord:
        record, truth = self._paper(letter), self._truth_of_papers()
        if truth[letter] == "reading":
            value = float(truth["original"]) * 0.8  # ty: ignore[invalid-argument-type]
            at, column = float(truth["time_h"]), str(truth["column"])  # ty: ignore[invalid-argument-type]
            return TamperedRecord(target="reading", time_h=at, column=column, value=value).apply(record)
        if truth[letter] == "rewritten":
            at = float(record.trail.only("alarm")[0].time_h)
            return TamperedRecord(target="rewriting", time_h=at).apply(record)
        return record

    def _truth_of_papers(self) -> dict[str, object]:
        rng = self._draw("papers")
        kinds = rng.permutation(["untouched", "reading", "rewritten"]).tolist()
        truth: dict[str, object] = dict(zip(PAPERS, kinds, strict=True))
        column, time_h = str(rng.choice(READINGS)), 12.0 * int(rng.integers(10, 26))
        read = self._paper(PAPERS[kinds.index("reading")]).measurements.filter(pl.col("time_h") == time_h)
        alarm = self._paper(PAPERS[kinds.index("rewritten")]).trail.only("alarm")[0]
        return truth | {"column": column, "time_h": time_h, "original": read[column].item(), "entry": alarm.sequence}

    def _replayed(self, actions: Sequence[Action]) -> BatchResult:
        session = begin(self.plant, self.recipe, faults=(self._fault("cascade"),), seed=self._seed("cascade"))
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

    def _record(self, case: str, faults: tuple[PlantFault, ...]) -> BatchRecord:
        return batch_record(self._run(case, faults), author="operator-1", batch=case)

    def _run(self, case: str, faults: tuple[PlantFault, ...]) -> BatchResult:
        if (case, faults) not in self._runs:
            self._runs[case, faults] = simulate(self.plant, self.recipe, faults=faults, seed=self._seed(case))
        return self._runs[case, faults]

    @cached_property
    def _runs(self) -> dict[tuple[str, tuple[PlantFault, ...]], BatchResult]:
        """What was run already; results do not change."""
        return {}

    def _seed(self, case: str) -> int:
        return spawn_seed(self.seed, "deviations", case) % 2**31

    def _draw(self, case: str) -> np.random.Generator:
        return np.random.default_rng(spawn_seed(self.seed, "casebook", case))


_MIXED: Mapping[str, PlantFault] = {
    "probe-drift": ProbeDrift("ph", start_h=0, per_h=-0.0025),
    "feed-blockage": FeedBlockage(start_h=0, remaining=0.2),
    "contamination": Contamination(start_h=0, inoculum_mmol_c=1e-3),
    "jacket-failure": JacketFailure(start_h=0),
    "cascade-failure": CascadeFailure(start_h=0),
    "sampling-dilution-error": SamplingDilutionError(start_h=0, factor=0.75),
    "foam-out": FoamOut(start_h=0, hours=3.0, lost_fraction=0.12, kla_factor=0.4),
}


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
