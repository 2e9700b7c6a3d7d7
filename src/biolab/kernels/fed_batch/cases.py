"""Named inputs of the fed-batch runs, and what must not change them."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
from numpy import ndarray

from biolab.core.arrays import Float
from biolab.kernels import cases

from . import FedBatchProblem, fed_batch, layout, reference, run_seeds

# of states divided by what is typical of them, with the integrator's tolerance at 1e-6
TOLERANCE = cases.Tolerance(relative=1e-4, absolute=1e-4)
TYPICAL = np.array([20, 4, 0.1, 20, 37, 3, 10, 1, 1, 20, 4, 200, 1, 20, 200, 20, 1, 20, 20.0])

_NEUTRAL = {
    "feed_factor": 1.0, "jacket_factor": 1.0, "kla_factor": 1.0, "glucose_factor": 1.0, "agitation_ceiling": 1e9,
    "oxygen_ceiling": 1.0,
}  # fmt: skip
_SETPOINTS = ("ph", "dissolved_oxygen_percent", "temperature_c", "agitation_rpm", "gas_flow_l_per_min")
_WANTED = tuple(
    dict(zip(_SETPOINTS, values, strict=True))
    for values in ((7.05, 40.0, 37.0, 100.0, 0.1), (6.9, 30.0, 37.0, 300.0, 5.0))
)


def standard_parameters(plant: int) -> dict[str, float]:
    """Return the standard plant's parameters; readings are not rounded, so that paths can agree to the last digits."""
    content = json.loads(files("biolab.kernels.fed_batch").joinpath("standard_parameters.json").read_text("utf-8"))
    exact = {
        name: 0.0 for name in content[plant] if name.endswith(("_resolution", "_resolution_percent", "_resolution_c"))
    }
    return content[plant] | exact


def standard_schedule(plant: int, intervals: int, **columns: float) -> Float[ndarray, "i c"]:
    """Return a schedule of constant set-points; ``columns`` fill whole columns."""
    table = np.zeros((intervals + 1, len(layout.SCHEDULE)))
    for name, value in (_NEUTRAL | _WANTED[plant] | columns).items():
        table[:, layout.SCHEDULE.index(name)] = value
    return table


def at_interval(table: Float[ndarray, "i c"], name: str, values: dict[int, float]) -> Float[ndarray, "i c"]:
    """Return the schedule with a column changed at some intervals."""
    changed = table.copy()
    for interval, value in values.items():
        changed[interval, layout.SCHEDULE.index(name)] = value
    return changed


def _make(
    plant: int, intervals: int, hours: float, edit: Callable[[ndarray], ndarray] = lambda t: t, **changed: float
) -> cases.Arguments:
    parameters = standard_parameters(plant)
    unknown = changed.keys() - parameters.keys() - set(layout.SCHEDULE)
    if unknown:
        raise KeyError(f"{sorted(unknown)} are neither parameters nor columns of the schedule")
    columns = {name: value for name, value in changed.items() if name in layout.SCHEDULE}
    parameters |= {name: value for name, value in changed.items() if name in parameters}
    vector = np.array([parameters[name] for name in layout.PARAMETERS[plant]])
    schedule = edit(standard_schedule(plant, intervals, **columns))
    return {"plant": plant, "parameters": vector, "schedule": schedule, "interval_h": hours, "runs": 1}


def _fed(table: ndarray) -> ndarray:
    table = at_interval(table, "glucose_action", dict.fromkeys(range(len(table)), layout.RATE_PLANNED))
    table = at_interval(table, "bolus_l", {6: 0.05})
    return at_interval(table, "sample_l", {4: 0.01, 9: 0.02})


def _follow(table: ndarray) -> ndarray:
    table = at_interval(
        table, "glucose_action", {0: layout.BOLUS_TO_GLUCOSE} | dict.fromkeys((4, 12), layout.RATE_FOR_GLUCOSE)
    )
    table = at_interval(table, "glucose_g_per_l", dict.fromkeys(range(len(table)), 40.0))
    return at_interval(table, "glucose_interval_h", dict.fromkeys(range(len(table)), 2.0))


def _broken(table: ndarray) -> ndarray:
    table = at_interval(table, "contamination_mmol_c", {2: 5.0})
    table = at_interval(table, "foam_fraction", dict.fromkeys(range(5, 8), 0.02))
    table = at_interval(table, "ph_drift", {k: 0.01 * k for k in range(len(table))})
    return at_interval(table, "oxygen_ceiling", dict.fromkeys(range(6, len(table)), 0.2095))


CASES = (
    cases.Case(name="CHO, thin", make=lambda: _make(0, 16, 0.25)),
    cases.Case(name="CHO, dense and fed", make=lambda: _make(0, 24, 0.25, _fed, start_viable=12.0, feed_l_per_h=0.004)),
    cases.Case(name="CHO, glucose followed", make=lambda: _make(0, 16, 0.5, _follow, start_viable=15.0)),
    cases.Case(name="CHO, broken", make=lambda: _make(0, 16, 0.25, _broken, start_viable=8.0, jacket_factor=0.2)),
    cases.Case(name="CHO, starved and cold", make=lambda: _make(0, 12, 1.0, start_viable=20.0,
               start_glucose_mmol_per_l=1.0, temperature_c=32.0)),
    cases.Case(name="E. coli, batch", make=lambda: _make(1, 30, 0.1, start_viable=4.0)),
    cases.Case(
        name="E. coli, glucose gone, then fed",
        make=lambda: _make(1, 30, 0.1, _fed, start_viable=15.0, start_glucose_mmol_per_l=10.0, feed_l_per_h=0.03),
    ),
)  # fmt: skip


def _with_others(arguments: cases.Arguments) -> cases.Arguments:
    return arguments | {"runs": 5}


INVARIANCES: cases.Invariances = {"company of other runs": _with_others}


def fast(**arguments: Any) -> dict[str, ndarray]:
    """Run the compiled path and return the first run."""
    runs, end = arguments["runs"], arguments["schedule"].shape[0] - 1
    first = layout.PARAMETERS[arguments["plant"]].index("kla_per_h")
    kla = arguments["parameters"][first] * (1 + 0.1 * np.arange(runs))
    problem = FedBatchProblem(
        plant=arguments["plant"], parameters=arguments["parameters"], schedule=arguments["schedule"],
        interval_h=arguments["interval_h"], varied=np.array([first]), values=kla[:, None], seeds=run_seeds(7, runs),
        tolerance=1e-6, order=3,
    )  # fmt: skip
    found = fed_batch(problem, np.array([end // 2, end]), threads=2).records[0]
    return _outputs(found)


def exact(**arguments: Any) -> dict[str, ndarray]:
    """Integrate interval by interval with scipy's LSODA at 1e-10."""
    plant, end = arguments["plant"], arguments["schedule"].shape[0] - 1
    parameters = dict(zip(layout.PARAMETERS[plant], arguments["parameters"].tolist(), strict=True))
    seed = int(run_seeds(7, 1)[0])
    found = reference.run(plant, parameters, arguments["schedule"], arguments["interval_h"], seed, (end // 2, end))
    return _outputs(found)


def _outputs(records: Float[ndarray, "k r"]) -> dict[str, ndarray]:
    volume = records[:, layout.VOLUME, None].copy()
    scale = np.where(np.arange(layout.STATES) == layout.TEMPERATURE, 1.0, volume)
    scale[:, layout.VOLUME] = 1.0
    seen = records[:, layout.STATES : layout.STATES + len(reference.SEEN)]
    loops = np.array([7.0, 1.0, 40.0, 300.0, 200.0, 1.0, 1.0, 1.0, 0.05, 0.05, 0.01, 37.0, 10.0, 7.0, 40.0, 37.0])
    return {"states": records[:, : layout.STATES] / scale / TYPICAL, "seen": seen / loops}
