"""Oxygen that the gas gives against oxygen that the cells should take: what a drifting oxygen probe cannot hide.

A controller holds the reading of the probe, so a drifting probe looks well; but stirring and oxygen in the gas then no
longer fit the cells. Transfer computed from the reading, kLa (c* - c), over the cells counted, is the oxygen a cell
seems to use. Its logarithm, less what normal batches show at that hour, less the batch's own level at its start (each
vessel's kLa and each inoculum's appetite differ), is the residual.
"""

from dataclasses import asdict, dataclass, field

import numpy as np
import polars as pl

from biolab.core import DataError
from biolab.core.arrays import Float
from biolab.kernels.fed_batch import layout

from .monitoring.calibration import Calibration, split, threshold
from .monitoring.trajectories import Batch, Batches, frame_of, named, trajectory
from .monitoring.verdict import TooEarlyError, Verdict
from .reactor import Reactor

CHART = "oxygen_residual"
_GAS = (
    "dissolved_oxygen_percent_measured", "agitation_rpm", "oxygen_fraction", "co2_fraction", "gas_flow_l_per_min",
    "volume_l", "temperature_c_measured",
)  # fmt: skip


def oxygen_transfer(batch: Batch, reactor: Reactor) -> pl.DataFrame:
    """Return time_h and ``oxygen_transfer_mmol_per_l_h``: kLa (c* - c) from what the instruments show.

    kLa = kla_per_h (N / N_ref)^a (Q / V / q_ref)^b, less what the bubbles lose on their way up.

    Raises
    ------
    DataError
        If a column of gassing, stirring or the probes is missing.
    """
    known = trajectory(frame_of(batch), _GAS, "the batch")
    reading, agitation, oxygen, co2, flow, volume, temperature = known.values.T
    air_saturated = reactor.oxygen_air_saturation_mmol_per_l
    air_saturated = air_saturated * (1.0 - reactor.oxygen_solubility_slope_per_k * (temperature - 37.0))
    solubility = air_saturated / layout.AIR_OXYGEN
    kla = reactor.kla_per_h * (agitation / reactor.kla_reference_agitation_rpm) ** reactor.kla_agitation_exponent
    kla = kla * (flow / volume / reactor.kla_reference_gas_per_min) ** reactor.kla_gas_exponent
    kla = kla / (1.0 + kla * volume * solubility / (flow * layout.GAS_MMOL))
    transfer = kla * (solubility * oxygen * (1.0 - co2) - air_saturated * reading / 100.0)
    return pl.DataFrame({"time_h": known.time_h, "oxygen_transfer_mmol_per_l_h": transfer})


@dataclass(frozen=True, kw_only=True)
class OxygenResidual:
    """Watch the oxygen that a cell seems to use, at every cell count.

    Transfer is averaged over ``window_h`` before a count; the first ``reference_samples`` counts set the batch's own
    level; residuals, in standard deviations of normal batches, are remembered over ``memory_samples`` counts. An alarm
    is raised when they are too far from 0, with limits calibrated as those of `MultiwayPCA`. Cells whose use of oxygen
    really changes (contamination, starvation, wrong dilution of samples) raise it too.
    """

    reactor: Reactor = field(default_factory=Reactor)
    cells: str = "viable_cells_1e6_per_ml_measured"
    window_h: float = 12.0
    reference_samples: int = 4
    memory_samples: float = 1.0
    held_out: float = 0.5
    seed: int = 0

    def residual(self, batch: Batch) -> pl.DataFrame:
        """Return time_h of each cell count and the logarithm of transfer a cell, less its mean over the first counts.

        Raises
        ------
        DataError
            If a column is missing, there are too few counts (`TooEarlyError`), or no oxygen seems to go over.
        """
        frame = frame_of(batch)
        gas = oxygen_transfer(frame, self.reactor)
        if self.cells not in frame.columns:
            raise DataError(f"The batch has no column {self.cells!r}; name the cell count with cells=.")
        counted, cells = (frame[name].cast(pl.Float64).to_numpy() for name in ("time_h", self.cells))
        there = ~np.isnan(cells) & (counted > 0)
        counted, cells = counted[there], cells[there]
        if counted.size <= self.reference_samples:
            raise TooEarlyError(
                f"The batch has {counted.size} cell counts after its start; expected more than the "
                f"{self.reference_samples} that set its own level. Check it later."
            )
        time, transfer = (gas[name].to_numpy() for name in gas.columns)
        mean = np.array([transfer[(time > t - self.window_h) & (time <= t)].mean() for t in counted])
        ratio = mean / np.maximum(cells, 1e-9)
        if not (ratio > 0).all():
            at = int(np.flatnonzero(~(ratio > 0))[0])
            raise DataError(
                f"At {counted[at]:g} h the gas seems to give {mean[at]:.3g} mmol/L/h of oxygen; expected more "
                "than 0. Check the reactor's numbers and the probe."
            )
        logs = np.log(ratio)
        own = logs[: self.reference_samples].mean()
        return pl.DataFrame({"time_h": counted, "residual": logs - own})[self.reference_samples :]

    def fit(self, batches: Batches) -> "OxygenMonitor":
        """Learn the usual course and limits from normal batches, sampled at the same hours.

        Raises
        ------
        DataError
            If batches lack columns or are too few.
        """
        courses = {name: self.residual(frame) for name, frame in named(batches).items()}
        hours = min((c["time_h"].to_numpy() for c in courses.values()), key=len)
        rows, names = np.stack([_held(course, hours) for course in courses.values()]), list(courses)
        fitted, held = split(len(rows), self.held_out, self.seed)
        mean, spread = rows[fitted].mean(axis=0), np.maximum(rows[fitted].std(axis=0, ddof=1), 1e-6)
        charts = [{CHART: self.chart((row - mean) / spread)} for row in rows]
        calibration = Calibration.of([charts[i] for i in fitted], {names[i]: charts[i] for i in held})
        return OxygenMonitor(watch=self, hours=hours, mean=mean, spread=spread, calibration=calibration)

    def chart(self, standardised: Float[np.ndarray, " r"]) -> Float[np.ndarray, " r"]:
        """Return how far the remembered residual is from 0, in its own standard deviations at each count."""
        keep = float(np.exp(-1.0 / self.memory_samples)) if self.memory_samples > 0 else 0.0
        state, variance, out = 0.0, 0.0, []
        for value in standardised:
            state, variance = keep * state + (1.0 - keep) * value, keep**2 * variance + (1.0 - keep) ** 2
            out.append(abs(state) / np.sqrt(variance))
        return np.array(out)


@dataclass(frozen=True, kw_only=True, eq=False)
class OxygenMonitor:
    """Usual course of the residual among normal batches, and its calibrated limits."""

    watch: OxygenResidual
    hours: Float[np.ndarray, " r"] = field(repr=False)
    mean: Float[np.ndarray, " r"] = field(repr=False)
    spread: Float[np.ndarray, " r"] = field(repr=False)
    calibration: Calibration = field(repr=False)

    def check(
        self,
        batch: Batch,
        *,
        false_alarm_rate: float = 0.01,
        confidence: float | None = None,
        until_h: float | None = None,
    ) -> Verdict:
        """Judge a batch at every cell count known at ``until_h``; see `OxygenResidual` for what may raise an alarm.

        The rate holds on average over the choice of normal batches, or with ``confidence`` in that share of choices.

        Raises
        ------
        DataError
            If columns are missing, counts are still too few, or too few batches were held out.
        """
        at = threshold(self.calibration.scores, false_alarm_rate, confidence)
        return self.judge(batch, at, until_h=until_h).promising(false_alarm_rate, confidence)

    def judge(self, batch: Batch, at: float, *, until_h: float | None = None) -> Verdict:
        """Judge a batch by a limit at a score of the calibration: standard deviations of normal batches' peaks."""
        frame = frame_of(batch)
        course = self.watch.residual(frame if until_h is None else frame.filter(pl.col("time_h") <= until_h))
        known = int((self.hours <= course["time_h"][-1] + 1e-9).sum())
        hours = self.hours[:known]
        residual = _held(course, hours) - self.mean[:known]
        chart = self.watch.chart(residual / self.spread[:known])
        limit = self.calibration.limits(at)[CHART][:known]
        above = np.flatnonzero(chart > limit)
        return Verdict(
            charts=pl.DataFrame({
                "time_h": hours, "place": hours, CHART: chart, f"{CHART}_limit": limit, "oxygen_per_cell_log": residual,
            }),
            alarm_h=float(hours[above[0]]) if above.size else None,
            statistic=CHART if above.size else None,
            settings=asdict(self.watch),
        )  # fmt: skip


def _held(course: pl.DataFrame, hours: Float[np.ndarray, " r"]) -> Float[np.ndarray, " r"]:
    """Return the residual at hours: that of the last count."""
    at = np.searchsorted(course["time_h"].to_numpy(), hours + 1e-6, side="right") - 1
    return course["residual"].to_numpy()[np.maximum(at, 0)]
