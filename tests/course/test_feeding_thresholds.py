"""Module 02's thresholds, on 300 plants drawn as trainees' are: feeding by glucose passes, no fixed dose does."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from biolab.bioprocess import CHOFedBatch, Recipe, ensemble
from biolab.core import spawn_seed
from biolab.course import Module, Trainee

FOLDER = Path(__file__).parents[2] / "notebooks" / "course" / "02-fed-batch-feeding"
PLANTS = 300
VARIED = (
    "mu_max_per_h",
    "overflow_glucose_mmol_per_1e9_h",
    "maintenance_glucose_mmol_per_1e9_h",
    "product_g_per_1e9_h",
)
FEEDINGS: Mapping[str, tuple[dict[str, object], dict[str, object]]] = {
    "last batch": 2 * ({"mode": "bolus", "every_h": 24.0, "volume_l": 0.12},),
    "by glucose, 3 then 5.5 g/L": (
        {"mode": "glucose-setpoint", "glucose_g_per_l": 3.0, "sample_every_h": 24.0},
        {"mode": "glucose-setpoint", "glucose_g_per_l": 5.5, "sample_every_h": 24.0},
    ),
    "by glucose, 4 g/L": 2 * ({"mode": "glucose-setpoint", "glucose_g_per_l": 4.0, "sample_every_h": 24.0},),
} | {
    f"{dose:g} L a day": 2 * ({"mode": "bolus", "every_h": 24.0, "volume_l": dose},)
    for dose in (0.1, 0.105, 0.11, 0.115, 0.125, 0.13)
}


class Shares(NamedTuple):
    """Which share of the plants gets which points of exercise 5, and the gains over the last batch."""

    limits: float
    both: float
    product: float
    titre_gain: np.ndarray
    product_gain: np.ndarray


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shares]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("plants"))
        return found()


def found() -> dict[str, Shares]:
    module = Module.load(FOLDER)
    set_up = {cell.key: cell.source for cell in module.cells if cell.kind == "setup"}
    plants = pl.DataFrame([drawn(set_up["plant"], f"trainee-{number}") for number in range(PLANTS)])
    known: dict[str, object] = {}
    exec("\n".join(set_up[key] for key in ("plant", "last-batch", "outcome", "steps")), known)
    plan, steps = known["plan"], known["steps"]
    assert isinstance(plan, Recipe)
    assert callable(steps)
    ends = {name: outcome(plants, plan, *feeding) for name, feeding in FEEDINGS.items()}
    last = ends["last batch"]
    return {name: judged(each, last, steps) for name, each in ends.items()}


def drawn(source: str, pseudonym: str) -> dict[str, float]:
    """Draw a trainee's plant as the set-up cell does."""
    who = Trainee(pseudonym=pseudonym, cohort="thresholds", module=FOLDER.name)
    Path("trainee.toml").write_text(who.card(), encoding="utf-8")
    known: dict[str, object] = {}
    exec(source, known)
    plant = known["plant"]
    assert isinstance(plant, CHOFedBatch)
    return {name: getattr(plant, name) for name in VARIED}


def outcome(plants: pl.DataFrame, plan: Recipe, early: object, late: object) -> pl.DataFrame:
    """Run one feeding on all plants: a row a plant, with what the module's ``outcome`` looks at."""
    recipe = plan.changed({"phases.early.feeding": early, "phases.late.feeding": late})
    columns = ("titre_g_per_l", "volume_l", "osmolality_mosm_per_kg", "lactate_g_per_l", "glucose_g_per_l", "viability")
    runs = ensemble(
        CHOFedBatch(), plants, recipe=recipe, columns=columns, at_h=np.arange(337.0).tolist(),
        seed=spawn_seed(0, "thresholds"),
    )  # fmt: skip
    assert runs["failed_h"].null_count() == runs.height
    extremes = {name: "min" if name.startswith("glucose") else "max" for name in columns[1:-1]}
    ends = {f"{how}_{name}": getattr(pl.col(name), how)() for name, how in extremes.items()}
    product = (pl.col("titre_g_per_l") * pl.col("volume_l")).last()
    last = {"hours": pl.col("time_h").last(), "product_g": product}
    last |= {name: pl.col(name).last() for name in ("titre_g_per_l", "viability")}
    return runs.group_by("run", maintain_order=True).agg(**last, **ends)


def judged(ends: pl.DataFrame, last: pl.DataFrame, steps: Callable[..., dict[str, bool]]) -> Shares:
    """Ask the module which steps each plant reaches."""
    reached = pl.DataFrame([steps(mine, old) for mine, old in zip(ends.to_dicts(), last.to_dicts(), strict=True)])
    gains = [(ends[name] / last[name] - 1).to_numpy() for name in ("titre_g_per_l", "product_g")]
    return Shares(*(reached[name].mean() for name in reached.columns), *gains)  # ty: ignore[invalid-argument-type]


@pytest.mark.slow
def test_a_good_recipe_gets_every_point_and_a_fixed_dose_does_not(shares: dict[str, Shares]):
    good = shares["by glucose, 3 then 5.5 g/L"]
    assert good.limits == 1
    assert min(good.both, good.product) > 0.98
    assert shares["by glucose, 4 g/L"].both > 0.7
    assert shares["by glucose, 4 g/L"].product < 0.5
    assert shares["last batch"].limits < 0.1
    for name, each in shares.items():
        if name.endswith("a day") or name == "last batch":
            assert each.both < 0.02, name
            assert each.product == 0, name
