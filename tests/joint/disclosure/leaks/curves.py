"""Curves, predictions and metric histories."""

import json

import numpy as np
import polars as pl

from biolab.joint.disclosure.gate import Leaving
from biolab.survival import kaplan_meier

from .world import World, leak


@leak
def kaplan_meier_at_every_event(world: World) -> Leaving:
    steps = kaplan_meier(world.cohort.time, world.cohort.event).table()
    return steps.select("time", "survival").with_columns(at_risk=pl.lit(100))


@leak
def kaplan_meier_beyond_the_minimum_at_risk(world: World) -> Leaving:
    return pl.DataFrame({"time": [0.0, 12.0, 24.0], "at_risk": [300, 150, 4], "survival": [1.0, 0.6, 0.3]})


@leak
def kaplan_meier_step_of_one(world: World) -> Leaving:
    return pl.DataFrame({"time": [0.0, 6.0, 12.0], "at_risk": [300, 280, 260], "survival": [1.0, 1 - 1 / 290, 0.9]})


@leak
def few_lost_between_two_points(world: World) -> Leaving:
    return pl.DataFrame({"time": [0.0, 6.0, 12.0], "at_risk": [300, 297, 200], "survival": [1.0, 1.0, 0.7]})


@leak
def residuals(world: World) -> Leaving:
    return pl.DataFrame({"step": range(20), "martingale_residual": np.linspace(-1, 1, 20)})


@leak
def predictions_in_json(world: World) -> Leaving:
    return world.json({"predictions": [0.1, 0.25, 0.7, 0.9, 0.4]})


@leak
def roc_curve_with_a_threshold_a_patient(world: World) -> Leaving:
    draw = np.sort(np.random.default_rng(3).random((40, 3)), axis=0)
    return pl.DataFrame({"threshold": draw[:, 0], "tpr": draw[:, 1], "fpr": draw[:, 2]})


@leak
def metric_a_patient(world: World) -> Leaving:
    return {"metrics": {f"risk.{i:04d}": 0.5 for i in range(40)}}


@leak
def history_with_a_step_a_patient(world: World) -> Leaving:
    return {"metrics": {"loss": [(i, 0.5) for i in range(world.frame.height)]}}


@leak
def history_at_event_times(world: World) -> Leaving:
    return {"metrics": {"event_free": [(t, 0.5) for t in (1, 2, 5, 11, 13)]}}


@leak
def list_in_param(world: World) -> Leaving:
    return {"params": {"order": json.dumps([round(float(x)) for x in world.frame["age"]])}}


@leak
def list_in_tag(world: World) -> Leaving:
    return {"tags": {"order": ";".join(f"{x:.0f}" for x in world.frame["age"])}}


@leak
def exact_value_in_param(world: World) -> Leaving:
    return {"params": {"cut": str(world.frame["marker"].drop_nulls()[3])}}
