"""Draw the figures of docs/monitoring.md and docs/protein-a.md: python bioprocess_figures.py [monitoring] [protein-a].

Monitoring: a batch whose feed line is blocked against 240 good ones, and batches of unlike pace by the clock and
aligned. Protein A: overload and ageing. Takes two minutes.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl
from monitoring import VARIABLES, plant

from biolab.bioprocess import (
    ByIndicator,
    ByTime,
    ByWarping,
    CHOFedBatch,
    MultiwayPCA,
    ProteinA,
    Reactor,
    Recipe,
    faults,
    golden_batch,
    oxygen_transfer,
    resin_life,
    simulate,
)  # fmt: skip
from biolab.bioprocess.monitoring.trajectories import trajectory
from biolab.core import spawn_seed
from biolab.reports import contribution_figure, control_chart_figure, golden_batch_figure
from biolab.reports.figures import curves, svg

DOCS = Path(__file__).parent.parent / "docs"
SHOWN = (
    "viable_cells_1e6_per_ml_measured", "glucose_g_per_l_measured", "osmolality_mosm_per_kg_measured",
    "titre_g_per_l_measured", "base_total_l", "agitation_rpm",
)  # fmt: skip
PACED = ("viable_cells_1e6_per_ml_measured", "agitation_rpm", "titre_g_per_l_measured", "lactate_g_per_l_measured")
HARVEST_L = 0.9


def paced(number: int) -> pl.DataFrame:
    """Run a batch that is fed what it uses, from an inoculum that varies, and harvested when so much was fed."""
    seed = spawn_seed(2026, "paced", number)
    rng = np.random.default_rng(seed)
    recipe = Recipe.load("cho-standard").changed({
        "inoculum.viable_cells_1e6_per_ml": 0.5 * float(np.exp(0.3 * rng.normal())),
        "phases.feeding.feeding": {"mode": "glucose-setpoint", "glucose_g_per_l": 3.0, "sample_every_h": 24.0},
    })  # fmt: skip
    frame = simulate(CHOFedBatch(), recipe, seed=seed % 2**31).trajectories
    hourly = oxygen_transfer(frame, Reactor())["oxygen_transfer_mmol_per_l_h"].clip(0.0)
    return frame.with_columns(oxygen_total=hourly.cum_sum()).filter(pl.col("feed_total_l") <= HARVEST_L)


def save(name: str, figure) -> None:
    text = svg(figure, name=name.replace(".", "-"), description=str(figure.get_label()))
    (DOCS / f"{name}.svg").write_text(text + "\n", encoding="utf-8")


def faulty() -> None:
    """Draw a batch with a blocked feed line over good ones."""

    def run(what: str, number: int, *wrong: faults.Fault) -> pl.DataFrame:
        seed = spawn_seed(2026, what, number)
        return simulate(plant(np.random.default_rng(seed)), faults=wrong, seed=seed % 2**31).trajectories

    good = [run("good", number) for number in range(240)]
    batch = run("blocked", 0, faults.FeedBlockage(start_h=144.0, end_h=192.0, remaining=0.2))
    said = MultiwayPCA(variables=VARIABLES, alignment=ByTime(points=57)).fit(good).check(batch)
    golden = golden_batch(good, variables=SHOWN)
    for language in ("en", "ko"):
        save(f"monitoring-charts.{language}", control_chart_figure(said, language=language))
        save(f"monitoring-contributions.{language}", contribution_figure(said, language=language))
        save(f"monitoring-golden.{language}", golden_batch_figure(golden, batch, language=language))


def uneven() -> None:
    """Draw the slowest, a middling and the fastest of 12 batches: by the clock and aligned."""
    frames = sorted((paced(number) for number in range(12)), key=lambda frame: frame["time_h"][-1])
    chosen = [frames[0], frames[6], frames[-1]]
    names = [f"harvested at {frame['time_h'][-1]:g} h" for frame in chosen]
    read = [trajectory(frame, PACED, "batch") for frame in frames]
    ways = [frame["oxygen_total"].to_numpy() for frame in frames]
    panels = {}
    for title, alignment in (
        ("Viable cells by the clock", ByTime()),
        ("by oxygen taken (ByIndicator)", ByIndicator(column="oxygen_total")),
        ("warped (ByWarping)", ByWarping(window=0.4)),
    ):
        scale = alignment.fit(read, ways)
        panels[title] = {}
        for name, frame in zip(names, chosen, strict=True):
            place = [other is frame for other in frames].index(True)
            aligned = scale.align(read[place], ways[place])
            share = np.arange(aligned.reached) / (len(scale.place) - 1)
            panels[title][name] = (100 * share, aligned.values[: aligned.reached, 0])
    save("monitoring-alignment", curves(panels, across="% of the common scale"))


def capture() -> None:
    """Draw what an old resin lets through, what an overload loses, and what age does to both."""
    column = ProteinA()
    loads = {cycles: column.aged(cycles).breakthrough(70.0).curve for cycles in (0, 100, 200)}
    runs = {load: column.capture(load).curve for load in (35.0, 75.0)}
    life = resin_life(column, (0, 25, 50, 75, 100, 125, 150, 175, 200), load_g_per_l=45.0)
    panels = {
        "Outlet, share of the feed": {
            f"{cycles} cleanings": (curve["loaded_g_per_l"], curve["outlet_share"]) for cycles, curve in loads.items()
        },
        "Outlet, g/L: load, wash, elution": {
            f"load {load:g} g/L": (curve["volume_cv"], curve["outlet_g_per_l"]) for load, curve in runs.items()
        },
        "Lost as the resin ages, %": {"load 45 g/L": (life["cycles"], 100.0 * life["lost_share"])},
    }
    figure = curves(panels, across="")
    for axes, across in zip(figure.axes, ("loaded, g/L resin", "column volumes", "cleanings"), strict=True):
        axes.set_xlabel(across)
    save("protein-a", figure)


if __name__ == "__main__":
    wanted = set(sys.argv[1:]) or {"monitoring", "protein-a"}
    if "monitoring" in wanted:
        faulty()
        uneven()
    if "protein-a" in wanted:
        capture()
