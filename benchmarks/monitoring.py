"""How many faults monitoring finds, and how soon, at one false alarm in 100 normal batches.

Batches come from the CHO plant with its parameters varied; each fault is drawn `FAULTY` times with random size and
start. All methods see the same 200 batches to fit and 800 to calibrate, and alarm when a batch's score exceeds the
793rd smallest of those 800 (1 % at most). ``--peer PYTHON`` also runs process-improve with that interpreter. Writes
results/monitoring.json and the table of docs/monitoring.md. Takes 6 minutes on one quiet core, with the peer some 8
more (``--peer-spe instantaneous`` halves those); ``--quick`` tries few batches and writes nothing.
"""

import argparse
import json
import math
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

import biolab
from biolab.bioprocess import ByTime, CHOFedBatch, MultiwayPCA, OxygenResidual, Reactor, faults, simulate
from biolab.bioprocess.monitoring.calibration import split
from biolab.bioprocess.monitoring.trajectories import trajectory
from biolab.core import spawn_seed

HERE = Path(__file__).parent
RATE, KNOWN, HELD_OUT, NORMAL, FAULTY = 0.01, 1000, 0.8, 400, 200
VARIABLES = (
    "ph_measured", "dissolved_oxygen_percent_measured", "temperature_c_measured", "agitation_rpm", "oxygen_fraction",
    "co2_fraction", "jacket_temperature_c", "base_total_l", "volume_l", "glucose_g_per_l_measured",
    "viable_cells_1e6_per_ml_measured", "viability_measured", "titre_g_per_l_measured", "glutamine_mmol_per_l_measured",
    "lactate_g_per_l_measured", "ammonium_mmol_per_l_measured", "osmolality_mosm_per_kg_measured", "pco2_mmhg_measured",
)  # fmt: skip
POINTS = 57  # every 6 h
METHODS = {
    "t2_spe": "T², SPE", "t2_spe_memory": "T², SPE remembered 24 h", "oxygen": "oxygen residual",
    "together": "both, 0.5 % each", "peer_instantaneous": "process-improve, SPE of a sample",
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


def ours(known: list[pl.DataFrame], sets: dict[str, list[pl.DataFrame]]) -> dict[str, dict[str, list[float | None]]]:
    """Return each method's hour of alarm for each batch."""
    scale = ByTime(points=POINTS)
    plain = MultiwayPCA(variables=VARIABLES, alignment=scale, held_out=HELD_OUT).fit(known)
    remembered = MultiwayPCA(variables=VARIABLES, alignment=scale, memory_points=4.0, held_out=HELD_OUT).fit(known)
    oxygen = OxygenResidual(held_out=HELD_OUT).fit(known)

    def together(batch: pl.DataFrame) -> float | None:
        hours = [m.check(batch, false_alarm_rate=RATE / 2).alarm_h for m in (remembered, oxygen)]
        return min((h for h in hours if h is not None), default=None)

    checks: dict[str, Callable[[pl.DataFrame], float | None]] = {
        "t2_spe": lambda b: plain.check(b, false_alarm_rate=RATE).alarm_h,
        "t2_spe_memory": lambda b: remembered.check(b, false_alarm_rate=RATE).alarm_h,
        "oxygen": lambda b: oxygen.check(b, false_alarm_rate=RATE).alarm_h,
        "together": together,
    }
    return {m: {name: [check(b) for b in batches] for name, batches in sets.items()} for m, check in checks.items()}


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
        peaks = np.sort([max(course) for course in told[kind]["held"]])
        limit = peaks[math.ceil((1 - RATE) * (len(peaks) + 1) - 1e-9) - 1]
        for label, at in ((f"peer_{kind}", limit), (f"peer_{kind}_own_limit", 1.0)):
            found[label] = {
                name: [_first(course, at, scale.place) for course in told[kind][name]] for name in sets
            }  # fmt: skip
    return found, told["seconds"]


def _first(course: list[float], limit: float, hours: np.ndarray) -> float | None:
    above = np.flatnonzero(np.array(course) > limit)
    return float(hours[above[0]]) if above.size else None


def summary(alarms: dict[str, list[float | None]], starts: dict[str, list[float]]) -> dict[str, object]:
    """Count alarms from the fault's start on, with Wilson intervals, and quartiles of their delay."""
    normal = [a is not None for a in alarms["normal"]]
    rows: dict[str, object] = {"false_alarms": sum(normal), "normal_batches": len(normal)}
    for kind in (k for k in alarms if k != "normal"):
        delays = [a - s for a, s in zip(alarms[kind], starts[kind], strict=True) if a is not None and a >= s]
        low, high = _wilson(len(delays), len(starts[kind]))
        quartiles = np.quantile(delays, [0.25, 0.5, 0.75]).round(1).tolist() if delays else [None] * 3
        rows[kind] = {
            "found": len(delays), "of": len(starts[kind]), "power": len(delays) / len(starts[kind]), "lower": low,
            "upper": high, "delay_h_quartiles": quartiles,
        }  # fmt: skip
    return rows


def _wilson(hits: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    p, w = hits / n, z * z / n
    centre, half = (p + w / 2) / (1 + w), z * math.sqrt(p * (1 - p) / n + w / (4 * n)) / (1 + w)
    return round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4)


def table(found: dict[str, dict]) -> str:
    shown = {m: label for m, label in METHODS.items() if m in found}
    lines = ["| fault | " + " | ".join(shown.values()) + " |", "|---" * (len(shown) + 1) + "|"]
    first = next(iter(found.values()))
    share = [f"{found[m]['false_alarms']} of {found[m]['normal_batches']}" for m in shown]
    lines.append("| none (false alarms) | " + " | ".join(share) + " |")
    for kind in (k for k in first if isinstance(first[k], dict)):
        cells = []
        for m in shown:
            row = found[m][kind]
            delay = row["delay_h_quartiles"]
            cells.append(f"{row['power']:.0%}" + (f" ({delay[1]:.0f} h)" if delay[1] is not None else ""))
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(found: dict[str, dict], seconds: dict[str, float]) -> None:
    """Put the figures where the documentation reads them."""
    written = {"version": biolab.__version__, "rate": RATE, "seconds": seconds, "methods": found}
    (HERE / "results" / "monitoring.json").write_text(json.dumps(written, indent=1) + "\n")
    page = HERE.parent / "docs" / "monitoring.md"
    before, rest = page.read_text().split("<!-- power -->\n", 1)
    after = rest.split("<!-- end of power -->", 1)[1]
    page.write_text(f"{before}<!-- power -->\n{table(found)}\n<!-- end of power -->{after}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="a Python that has process-improve")
    parser.add_argument("--peer-spe", nargs="+", default=["instantaneous", "cumulative"], help="which SPE it charts")
    parser.add_argument("--quick", action="store_true", help="few batches, nothing written")
    options = parser.parse_args()
    share = 0.1 if options.quick else 1.0
    begun = time.perf_counter()
    known = [run("known", i)[1] for i in range(KNOWN)]
    drawn = {"normal": [run("normal", i) for i in range(round(NORMAL * share))]}
    drawn |= {kind: [run(kind, i) for i in range(round(FAULTY * share))] for kind in KINDS}
    simulated = time.perf_counter() - begun
    sets = {name: [b for _, b in rows] for name, rows in drawn.items()}
    starts = {name: [s for s, _ in rows] for name, rows in drawn.items()}
    begun = time.perf_counter()
    alarms = ours(known, sets)
    seconds = {"simulation": simulated, "ours": time.perf_counter() - begun}
    if not options.quick:
        write({method: summary(rows, starts) for method, rows in alarms.items()}, seconds)
    if options.peer:
        theirs, seconds["peer"] = peer(options.peer, options.peer_spe, known, sets)
        alarms |= theirs
    found = {method: summary(rows, starts) for method, rows in alarms.items()}
    print(table(found))
    print({k: round(v, 1) for k, v in seconds.items()})
    if not options.quick:
        write(found, seconds)


if __name__ == "__main__":
    main()
