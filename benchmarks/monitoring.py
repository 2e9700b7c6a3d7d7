"""How many faults monitoring finds, and how soon, at one false alarm in 100 normal batches.

Batches come from the CHO plant with its parameters varied; each fault is drawn `FAULTY` times with random size and
start. All methods see the same 200 batches to fit and 1000 to calibrate, and alarm when a batch's score exceeds that
of all but 4 of those 1000: at most one normal batch in 100 then does, with a confidence of 95 %. Another 1000 normal
batches, of seeds of their own, count the false alarms. ``--peer PYTHON`` also runs process-improve with that
interpreter. Writes results/monitoring.json, the tables of docs/monitoring.md and its figure of delays. Takes 8 minutes
on one quiet core, with the peer some 12 more (``--peer-spe instantaneous`` halves those); ``--quick`` tries few
batches and writes nothing.
"""

import argparse
import json
import math
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

import biolab
from biolab.bioprocess import (
    ByTime,
    CHOFedBatch,
    CombinedMonitor,
    MultiwayPCA,
    OxygenResidual,
    Reactor,
    faults,
    simulate,
)  # fmt: skip
from biolab.bioprocess.monitoring.calibration import split, threshold
from biolab.bioprocess.monitoring.trajectories import trajectory
from biolab.core import spawn_seed
from biolab.reports.figures import curves, svg

HERE = Path(__file__).parent
RATE, CONFIDENCE, FITTED, HELD, NORMAL, FAULTY = 0.01, 0.95, 200, 1000, 1000, 200
HELD_OUT = HELD / (FITTED + HELD)
DELAYS_H = np.arange(0.0, 241.0, 2.0)
VARIABLES = (
    "ph_measured", "dissolved_oxygen_percent_measured", "temperature_c_measured", "agitation_rpm", "oxygen_fraction",
    "co2_fraction", "jacket_temperature_c", "base_total_l", "volume_l", "glucose_g_per_l_measured",
    "viable_cells_1e6_per_ml_measured", "viability_measured", "titre_g_per_l_measured", "glutamine_mmol_per_l_measured",
    "lactate_g_per_l_measured", "ammonium_mmol_per_l_measured", "osmolality_mosm_per_kg_measured", "pco2_mmhg_measured",
)  # fmt: skip
POINTS = 57  # every 6 h
METHODS = {
    "t2_spe": "T², SPE", "t2_spe_memory": "T², SPE remembered 24 h", "oxygen": "oxygen residual",
    "together": "both together", "peer_instantaneous": "process-improve, SPE of a sample",
    "peer_cumulative": "process-improve, SPE so far",
}  # fmt: skip


def plant(rng: np.random.Generator) -> CHOFedBatch:
    """Vary clone, media and vessel from batch to batch."""

    def about(value: float, share: float) -> float:
        return value * math.exp(share * rng.normal())

    return CHOFedBatch(
        mu_max_per_h=about(0.039, 0.02), maintenance_glucose_mmol_per_1e9_h=about(0.022, 0.05),
        overflow_glucose_mmol_per_1e9_h=about(0.075, 0.05), product_g_per_1e9_h=about(1.51e-3, 0.05),
        medium_amino_acids_mmol_c_per_l=about(250.0, 0.02), feed_amino_acids_mmol_c_per_l=about(1500.0, 0.02),
        reactor=Reactor(kla_per_h=about(6.0, 0.05)),
    )  # fmt: skip


def fault(kind: str, start: float, rng: np.random.Generator) -> faults.Fault:
    """Draw a fault's size."""
    sign = float(rng.choice([-1.0, 1.0]))
    drift = sign * float(rng.uniform(0.05, 0.15))
    return {
        "DO probe drift": faults.ProbeDrift("dissolved_oxygen", start_h=start, per_h=drift),
        "pH probe drift": faults.ProbeDrift("ph", start_h=start, per_h=sign * float(rng.uniform(0.0005, 0.002))),
        "DO cascade failure": faults.CascadeFailure(start_h=start),
        "feed blockage": faults.FeedBlockage(start_h=start, end_h=start + 24.0, remaining=float(rng.uniform(0, 0.5))),
        "overfeed": faults.Overfeed(start_h=start, end_h=start + 24.0, factor=float(rng.uniform(1.2, 2.0))),
        "contamination": faults.Contamination(start_h=start),
        "jacket failure": faults.JacketFailure(start_h=start, end_h=start + 6.0, remaining=float(rng.uniform(0, 0.5))),
        "sampling dilution": faults.SamplingDilutionError(
            start_h=start, end_h=start + 30.0, factor=float(rng.uniform(0.5, 0.9))
        ),
        "foam-out": faults.FoamOut(start_h=start, lost_fraction=float(rng.uniform(0.02, 0.1))),
    }[kind]


KINDS = (
    "DO probe drift", "pH probe drift", "DO cascade failure", "feed blockage", "overfeed", "contamination",
    "jacket failure",
    "sampling dilution", "foam-out",
)  # fmt: skip


def run(what: str, number: int) -> tuple[float, pl.DataFrame]:
    """Return when the fault starts (infinity for a normal batch) and the batch."""
    seed = spawn_seed(2026, what, number)
    rng = np.random.default_rng(seed)
    made, start = plant(rng), float(rng.uniform(96.0, 200.0))
    wrong = [fault(what, start, rng)] if what in KINDS else []
    batch = simulate(made, faults=wrong, seed=seed % 2**31).trajectories
    return (start if wrong else math.inf), batch.select("time_h", *VARIABLES, "gas_flow_l_per_min")


def ours(
    known: list[pl.DataFrame], sets: dict[str, list[pl.DataFrame]], only: list[str]
) -> dict[str, dict[str, list[float | None]]]:
    """Return each method's hour of alarm for each batch."""
    scale = ByTime(points=POINTS)
    plain = MultiwayPCA(variables=VARIABLES, alignment=scale, held_out=HELD_OUT).fit(known)
    remembered = MultiwayPCA(variables=VARIABLES, alignment=scale, memory_points=4.0, held_out=HELD_OUT).fit(known)
    oxygen = OxygenResidual(held_out=HELD_OUT).fit(known)
    monitors = {
        "t2_spe": plain, "t2_spe_memory": remembered, "oxygen": oxygen,
        "together": CombinedMonitor(monitors=(remembered, oxygen)),
    }  # fmt: skip
    return {
        method: {
            name: [monitor.check(b, false_alarm_rate=RATE, confidence=CONFIDENCE).alarm_h for b in batches]
            for name, batches in sets.items()
        }
        for method, monitor in monitors.items()
        if method in only
    }


def aligned(batches: list[pl.DataFrame], scale) -> np.ndarray:
    return np.stack([scale.align(trajectory(b, VARIABLES, "batch"), None).values for b in batches])


def peer(
    python: str, kinds: list[str], known: list[pl.DataFrame], sets: dict[str, list[pl.DataFrame]]
) -> tuple[dict, float]:
    """Return the peer's hours of alarm, calibrated by the same rule on the same batches."""
    scale = ByTime(points=POINTS).fit([trajectory(b, VARIABLES, "batch") for b in known])
    fitted, held = split(len(known), HELD_OUT, 0)
    arrays = {"fit": aligned([known[i] for i in fitted], scale), "held": aligned([known[i] for i in held], scale)}
    arrays |= {name: aligned(batches, scale) for name, batches in sets.items()}
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "batches.npz", Path(folder) / "scores.json"
        np.savez(source, **arrays)
        subprocess.run([python, str(HERE / "monitoring_peer.py"), str(source), str(target), *kinds], check=True)
        told = json.loads(target.read_text())
    found = {}
    for kind in kinds:
        peaks = np.array([max(course) for course in told[kind]["held"]])
        limit = threshold(peaks, RATE, CONFIDENCE)
        for label, at in ((f"peer_{kind}", limit), (f"peer_{kind}_own_limit", 1.0)):
            found[label] = {
                name: [_first(course, at, scale.place) for course in told[kind][name]] for name in sets
            }  # fmt: skip
    return found, told["seconds"]


def _first(course: list[float], limit: float, hours: np.ndarray) -> float | None:
    above = np.flatnonzero(np.array(course) > limit)
    return float(hours[above[0]]) if above.size else None


def summary(alarms: dict[str, list[float | None]], starts: dict[str, list[float]]) -> dict[str, object]:
    """Count alarms from the fault's start on, with Wilson intervals, and quantiles of their delay."""
    normal = [a is not None for a in alarms["normal"]]
    low, high = _wilson(sum(normal), len(normal))
    rows: dict[str, object] = {
        "false_alarms": sum(normal), "normal_batches": len(normal), "lower": low, "upper": high
    }  # fmt: skip
    for kind in (k for k in alarms if k != "normal"):
        delays = [a - s for a, s in zip(alarms[kind], starts[kind], strict=True) if a is not None and a >= s]
        early = sum(a is not None and a < s for a, s in zip(alarms[kind], starts[kind], strict=True))
        low, high = _wilson(len(delays), len(starts[kind]))
        quantiles = np.quantile(delays, np.linspace(0.0, 1.0, 21)).round(1).tolist() if delays else []
        rows[kind] = {
            "found": len(delays), "of": len(starts[kind]), "alarm_before_the_fault": early,
            "power": len(delays) / len(starts[kind]), "lower": low, "upper": high, "delay_h_quantiles": quantiles,
        }  # fmt: skip
    return rows


def _wilson(hits: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    p, w = hits / n, z * z / n
    centre, half = (p + w / 2) / (1 + w), z * math.sqrt(p * (1 - p) / n + w / (4 * n)) / (1 + w)
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)


def tables(found: dict[str, dict]) -> str:
    """Return shares found with 95 % intervals, and quartiles of the delays, as Markdown."""
    shown = {m: label for m, label in METHODS.items() if m in found}
    head = ["| fault | " + " | ".join(shown.values()) + " |", "|---" * (len(shown) + 1) + "|"]
    wrong = [f"{found[m]['false_alarms']} of {found[m]['normal_batches']}" for m in shown]
    power = [*head, "| none (false alarms) | " + " | ".join(wrong) + " |"]
    delay = list(head)
    for kind in KINDS:
        rows = [found[m][kind] for m in shown]
        cells = [f"{r['power']:.0%} ({100 * r['lower']:.0f} to {100 * r['upper']:.0f})" for r in rows]
        power.append(f"| {kind} | " + " | ".join(cells) + " |")
        quartiles = [r["delay_h_quantiles"][5:16:5] for r in rows]
        cells = [" · ".join(f"{q:.0f}" for q in three) if three else "" for three in quartiles]
        delay.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(
        [*power, "", "Hours from the start of the fault to the alarm, quartiles of those found:", "", *delay]
    )


def delay_figure(found: dict[str, dict]) -> str:
    """Draw the share of each fault found within so many hours of its start."""
    shown = [m for m in METHODS if m in found]
    panels = {kind: {METHODS[m]: (DELAYS_H, _share_found(found[m][kind])) for m in shown} for kind in KINDS}
    figure = curves(panels, across="h from the start of the fault")
    for axes in figure.axes:
        axes.set_ylim(0.0, 1.02)
    return svg(figure, name="monitoring-delays", description="Share of each fault found within so many hours")


def _share_found(row: dict) -> np.ndarray:
    quantiles = row["delay_h_quantiles"]
    if not quantiles:
        return np.zeros_like(DELAYS_H)
    return row["power"] * np.interp(DELAYS_H, quantiles, np.linspace(0.0, 1.0, 21), left=0.0, right=1.0)


def write(found: dict[str, dict], seconds: dict[str, float]) -> None:
    """Put the figures where the documentation reads them."""
    written = {
        "version": biolab.__version__, "rate": RATE, "confidence": CONFIDENCE, "fitted": FITTED, "held_out": HELD,
        "seconds": seconds, "methods": found,
    }  # fmt: skip
    lists_on_a_line = re.sub(r"\[[^][{}]*\]", lambda m: " ".join(m[0].split()), json.dumps(written, indent=1))
    (HERE / "results" / "monitoring.json").write_text(lists_on_a_line + "\n")
    docs = HERE.parent / "docs"
    (docs / "monitoring-delays.svg").write_text(delay_figure(found) + "\n", encoding="utf-8")
    page = docs / "monitoring.md"
    before, rest = page.read_text(encoding="utf-8").split("<!-- power -->\n", 1)
    after = rest.split("<!-- end of power -->", 1)[1]
    page.write_text(f"{before}<!-- power -->\n{tables(found)}\n<!-- end of power -->{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has process-improve")
    parser.add_argument("--peer-spe", nargs="+", default=["instantaneous", "cumulative"], help="which SPE it charts")
    parser.add_argument("--only", nargs="+", default=list(METHODS), help="these methods; the others as they stand")
    parser.add_argument("--quick", action="store_true", help="few batches, nothing written")
    options = parser.parse_args()
    share = 0.1 if options.quick else 1.0
    begun = time.perf_counter()
    known = [run("known", i)[1] for i in range(FITTED + HELD)]
    drawn = {"normal": [run("normal", i) for i in range(round(NORMAL * share))]}
    drawn |= {kind: [run(kind, i) for i in range(round(FAULTY * share))] for kind in KINDS}
    simulated = time.perf_counter() - begun
    sets = {name: [b for _, b in rows] for name, rows in drawn.items()}
    starts = {name: [s for s, _ in rows] for name, rows in drawn.items()}
    begun = time.perf_counter()
    alarms = ours(known, sets, options.only)
    seconds = {"simulation": simulated, "ours": time.perf_counter() - begun}
    if options.peer:
        theirs, seconds["peer"] = peer(options.peer, options.peer_spe, known, sets)
        alarms |= theirs
    found = {method: summary(rows, starts) for method, rows in alarms.items()}
    if set(options.only) < set(METHODS):
        stands = json.loads((HERE / "results" / "monitoring.json").read_text())
        found, seconds = {**stands["methods"], **found}, {**seconds, **stands["seconds"]}
    print(tables(found))
    print({k: round(v, 1) for k, v in seconds.items()})
    if not options.quick:
        write(found, seconds)


if __name__ == "__main__":
    main()
