"""Time a fed-batch plant against other solvers of the same equations, with the error of each: one row a goal.

    python benchmarks/fed_batch.py --peers-python /path/to/python-with-peers --out benchmarks/results/fed-batch.json
    python benchmarks/fed_batch.py --device cuda --runs 1048576 --out benchmarks/results/fed-batch-gpu.json

The plant is the standard CHO fed-batch of 14 days with its sampled controllers, without noise, fed at a steady rate.
All solvers integrate the equations of `biolab.kernels.fed_batch.reference`, from one control interval to the next, and
share its controllers; ours uses its compiled twin. Error is the largest over the slow states (cells, nutrients,
product, acids) at the end, against scipy's LSODA at 1e-10 over the same hours, relative to the state and a tenth of
what is typical of it (a nutrient that is used up does not count by its last digits). Peers run in the Python given
(numpy, and jax with diffrax, torch with torchode or torchdiffeq), each in a process of its own that is cut off after
--cap seconds; those too slow for 14 days run for fewer hours, and their time is scaled up and marked. scipy has one
core and is set against ours on one; solvers of many runs at a time have all cores, as ours then has. A second table has
no controllers at all (what is held is held for 14 days), which is kinder to solvers that keep a history. The whole
takes at most 8 minutes. With --device, runs of ours on that device only, in double and in single precision, from
numbers in the host's memory to end states there; compilation is not counted.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
import types
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SLOW, VOLUME = (0, 1, 6, 7, 9, 10, 11, 12, 15), 5
PEERS = ("scipy LSODA", "diffrax tsit5", "diffrax kvaerno5", "torchode tsit5", "torchdiffeq dopri5")
HELD_PEERS = PEERS[:3]
GOALS = (("scipy", 40), ("diffrax", 10), ("torchode", 100), ("torchdiffeq", 100))
"""Times that an ensemble of ours is to be faster, by library."""
GOAL_MS, GOAL_ERROR = 2.0, 1e-4
HOURS = 336


def kernel() -> types.ModuleType:
    """Import the operation alone: peers' Pythons need not have what the rest of biolab needs."""
    sys.path.insert(0, str(ROOT / "src"))
    if importlib.util.find_spec("numba") is None:
        stub = types.ModuleType("biolab.kernels.fed_batch")
        stub.__path__ = [str(ROOT / "src/biolab/kernels/fed_batch")]
        for name, folder in (("biolab.kernels", "kernels"),):
            package = types.ModuleType(name)
            package.__path__ = [str(ROOT / "src/biolab" / folder)]
            sys.modules[name] = package
        sys.modules["biolab.kernels.fed_batch"] = stub
        return stub
    package = types.ModuleType("biolab.kernels")
    package.__path__ = [str(ROOT / "src/biolab/kernels")]
    sys.modules["biolab.kernels"] = package
    import biolab.kernels.fed_batch as found

    return found


def plant(intervals: int, *, held: bool) -> tuple[dict[str, float], np.ndarray, float]:
    """Return parameters, schedule and the control interval; ``held``: one interval for the whole time."""
    content = json.loads((ROOT / "src/biolab/kernels/fed_batch/standard_parameters.json").read_text("utf-8"))[0]
    content |= {name: 0.0 for name in content if "_noise" in name or "_resolution" in name}
    # nobody contaminates it; but a solver's rounding error would grow like a bacterium
    content["contaminant_growth_per_h"] = 0.0
    from biolab.kernels.fed_batch import layout

    table = np.zeros((intervals + 1, len(layout.SCHEDULE)))
    values = {
        "ph": 7.05, "dissolved_oxygen_percent": 40.0, "temperature_c": 37.0, "agitation_rpm": 100.0,
        "gas_flow_l_per_min": 0.1, "feed_l_per_h": 0.0036, "glucose_action": 3.0, "feed_factor": 1.0,
        "jacket_factor": 1.0, "kla_factor": 1.0, "glucose_factor": 1.0, "agitation_ceiling": 1e9, "oxygen_ceiling": 1.0,
    }  # fmt: skip
    if held:
        values |= {"agitation_held_rpm": 300.0, "oxygen_held_fraction": 0.4}
    for name, value in values.items():
        table[:, layout.SCHEDULE.index(name)] = value
    return content, table, HOURS / intervals if held else 0.1


# ---------------------------------------------------------------- ours
def problem_of(runs: int, tolerance: float, *, held: bool, order: int = 3):
    """Return a problem of runs that differ in growth, the first of them the standard plant."""
    found = kernel()
    parameters, table, hours = plant(1 if held else HOURS * 10, held=held)
    names = found.PARAMETERS[0]
    base = np.array([parameters[name] for name in names])
    mu = names.index("mu_max_per_h")
    return found.FedBatchProblem(
        plant=0, parameters=base, schedule=table, interval_h=hours, varied=np.array([mu]),
        values=base[mu] * np.linspace(1.0, 0.9, runs)[:, None], seeds=found.run_seeds(0, runs), tolerance=tolerance,
        order=order,
    )  # fmt: skip


def ours(
    runs: int, *, held: bool, tolerance: float, order: int = 3, repeats: int | None = None, **where: object
) -> dict[str, object]:
    """Return milliseconds a run (best of some), the end state of the first, and its steps."""
    found, problem = kernel(), problem_of(runs, tolerance, held=held, order=order)
    end = np.array([problem.schedule.shape[0] - 1])
    found.fed_batch(problem_of(min(runs, 200), tolerance, held=held, order=order), end, **where)
    best = np.inf
    for _ in range(repeats or (100 if runs == 1 else 7)):
        begun = time.perf_counter()
        done = found.fed_batch(problem, end, **where)
        best = min(best, time.perf_counter() - begun)
    state, steps = done.records[0, -1, : found.layout.STATES], float(done.memory[0, found.layout.M_STEPS])
    return {"ms": 1e3 * best / runs, "state": state, "steps": steps, "hours": HOURS}


# ---------------------------------------------------------------- peers, each in its own process
def scipy_run(method: str, hours_run: int, *, held: bool, tolerance: float) -> tuple[float, np.ndarray]:
    from scipy.integrate import solve_ivp

    kernel()
    from biolab.kernels.fed_batch import layout, reference
    from biolab.kernels.fed_batch.reference_control import act, begin_memory

    parameters, table, hours = plant(1 if held else hours_run * 10, held=held)
    hours = hours_run if held else hours
    y, memory = reference.begin_state(parameters, 0), begin_memory(parameters)
    begun = time.perf_counter()
    for i in range(table.shape[0] - 1):
        row = dict(zip(layout.SCHEDULE, table[i].tolist(), strict=True))
        y, memory, now, _ = act(i, hours, parameters, row, 0, y, memory, reference.PLAIN)
        y = solve_ivp(
            lambda _, state, now=now: reference.derivative(0, state.tolist(), parameters, now, reference.PLAIN),
            (0.0, hours), y, method=method, rtol=tolerance, atol=tolerance * 1e-2,
        ).y[:, -1].tolist()  # fmt: skip
    return time.perf_counter() - begun, np.array(y)


def diffrax_run(solver: str, hours_run: int, runs: int, *, held: bool, tolerance: float) -> tuple[float, np.ndarray]:
    import jax

    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - the library's own form
    import diffrax
    import jax.numpy as jnp

    kernel()
    from biolab.kernels.fed_batch import layout, reference
    from biolab.kernels.fed_batch.reference_control import act, begin_memory

    parameters, table, hours = plant(1 if held else hours_run * 10, held=held)
    hours = hours_run if held else hours
    row = dict(zip(layout.SCHEDULE, table[0].tolist(), strict=True))
    start = jnp.array(reference.begin_state(parameters, 0))
    memory0 = {name: jnp.asarray(float(value)) for name, value in begin_memory(parameters).items()}
    method = {"tsit5": diffrax.Tsit5, "kvaerno5": diffrax.Kvaerno5}[solver]()
    control = diffrax.PIDController(rtol=tolerance, atol=tolerance * 1e-2)

    def one(mu):
        p = parameters | {"mu_max_per_h": mu}

        def right(_, y, now):
            return jnp.stack(reference.derivative(0, [y[k] for k in range(layout.STATES)], p, now, jnp))

        def interval(carry, _):
            y, memory = carry
            y, memory, now, _seen = act(0, hours, p, row, 0, [y[k] for k in range(layout.STATES)], memory, jnp)
            memory = {name: jnp.asarray(memory[name], dtype=jnp.float64) for name in memory0}
            found = diffrax.diffeqsolve(
                diffrax.ODETerm(right), method, 0.0, hours, min(hours / 4, 0.05), jnp.stack(y), args=now,
                stepsize_controller=control, max_steps=100_000,
                saveat=diffrax.SaveAt(t1=True),
            )  # fmt: skip
            return (found.ys[-1], memory), None

        (y, _), _ = jax.lax.scan(interval, (start, memory0), None, length=table.shape[0] - 1)
        return y

    batch = jax.jit(jax.vmap(one))
    mus = parameters["mu_max_per_h"] * jnp.linspace(1.0, 0.9, runs)
    batch(mus).block_until_ready()
    best = np.inf
    for _ in range(2):
        begun = time.perf_counter()
        found = batch(mus).block_until_ready()
        best = min(best, time.perf_counter() - begun)
    return best / runs, np.asarray(found[0])


def torch_run(library: str, hours_run: int, runs: int, *, held: bool, tolerance: float) -> tuple[float, np.ndarray]:
    import torch

    torch.set_default_dtype(torch.float64)
    kernel()
    from biolab.kernels.fed_batch import layout, reference
    from biolab.kernels.fed_batch.reference_control import act, begin_memory

    parameters, table, hours = plant(1 if held else hours_run * 10, held=held)
    hours = hours_run if held else hours

    def of_tensors(function):
        return lambda *values: function(*(torch.as_tensor(value) for value in values))

    names = ("exp", "log", "log10", "sqrt", "floor", "minimum", "maximum", "where")
    xp = types.SimpleNamespace(**{name: of_tensors(getattr(torch, name)) for name in names})
    p = parameters | {"mu_max_per_h": parameters["mu_max_per_h"] * torch.linspace(1.0, 0.9, runs)}
    y = [torch.full((runs,), value) for value in reference.begin_state(parameters, 0)]
    memory = begin_memory(parameters)
    begun = time.perf_counter()
    for i in range(table.shape[0] - 1):
        row = dict(zip(layout.SCHEDULE, table[i].tolist(), strict=True))
        y, memory, now, _ = act(i, hours, p, row, 0, y, memory, xp)

        def right(_, state, now=now):
            return torch.stack(reference.derivative(0, state.unbind(-1), p, now, xp), dim=-1)

        y = list(torch_solve(library, right, torch.stack(y, dim=-1), hours, tolerance).unbind(-1))
    return (time.perf_counter() - begun) / runs, torch.stack(y, dim=-1)[0].numpy()


def torch_solve(library, right, start, hours, tolerance):
    import torch

    if library == "torchdiffeq":
        from torchdiffeq import odeint

        return odeint(right, start, torch.tensor([0.0, hours]), rtol=tolerance, atol=tolerance * 1e-2, method="dopri5")[
            -1
        ]
    import torchode

    term = torchode.ODETerm(right)
    control = torchode.IntegralController(atol=tolerance * 1e-2, rtol=tolerance, term=term)
    solver = torchode.AutoDiffAdjoint(torchode.Tsit5(term=term), control)
    span = torch.tensor([[0.0, hours]]).repeat(start.shape[0], 1)
    return solver.solve(torchode.InitialValueProblem(y0=start, t_eval=span)).ys[:, -1]


def peer(tool: str, hours_run: int, runs: int, held: bool, tolerance: float) -> tuple[float, np.ndarray]:  # noqa: FBT001
    name, method = tool.split()
    if name == "scipy":
        return scipy_run(method, hours_run, held=held, tolerance=tolerance)
    if name == "diffrax":
        return diffrax_run(method, hours_run, runs, held=held, tolerance=tolerance)
    return torch_run(name, hours_run, runs, held=held, tolerance=tolerance)


def measured(python: str, tool: str, held: bool, options: argparse.Namespace) -> dict[str, object]:  # noqa: FBT001
    """Run a peer in a process of its own, for as many hours as it is likely to manage."""
    hours, runs = {
        "scipy LSODA": (48, 1), "diffrax tsit5": (336, options.batch), "diffrax kvaerno5": (24, 8),
        "torchode tsit5": (2, 64), "torchdiffeq dopri5": (2, 64),
    }[tool]  # fmt: skip
    if held:
        hours, runs = HOURS, min(runs, 8)
    command = [python, __file__, "--peer", tool, str(hours), str(runs), str(int(held)), str(options.tolerance)]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    base: dict[str, object] = {"tool": tool, "held": held, "hours": hours, "runs": runs}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=options.cap, env=environment
        )
    except subprocess.TimeoutExpired:
        return base | {"failed": f"cut off after {options.cap} s"}
    if done.returncode != 0:
        return base | {"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
    found = json.loads(done.stdout.splitlines()[-1])
    return base | {"ms": 1e3 * found["seconds"] * HOURS / hours, "state": np.array(found["state"])}


@cache
def exact(hours: int, *, held: bool) -> np.ndarray:
    """Return the end state by scipy's LSODA at 1e-10."""
    return scipy_run("LSODA", hours, held=held, tolerance=1e-10)[1]


def with_error(row: dict[str, object]) -> dict[str, object]:
    """Replace a row's state by its error."""
    if "state" not in row:
        return row
    from biolab.kernels.fed_batch.cases import TYPICAL

    slow = list(SLOW)
    true = exact(int(row["hours"]), held=bool(row["held"]))  # type: ignore[call-overload]
    least = 0.1 * TYPICAL[slow] * true[VOLUME]
    error = float((np.abs(np.asarray(row["state"]) - true)[slow] / (np.abs(true[slow]) + least)).max())
    return {name: value for name, value in row.items() if name != "state"} | {"error": error}


def single_precision_error() -> float:
    """Return the error of a run whose state is rounded to single precision after every control interval."""
    found, problem = kernel(), problem_of(1, 1e-5, held=False)
    end = problem.schedule.shape[0] - 1
    runs = found.fed_batch(problem, np.zeros(0, dtype=np.int64), last=1)
    for i in range(1, end):
        runs.state[:] = runs.state.astype(np.float32)
        runs = found.fed_batch(problem, np.zeros(0, dtype=np.int64), earlier=runs, first=i, last=i + 1)
    return float(with_error({"state": runs.state[0], "hours": HOURS, "held": False})["error"])  # type: ignore[arg-type]


def compared(held: bool, options: argparse.Namespace) -> list[dict[str, object]]:  # noqa: FBT001
    """Time ours and the peers on one plant; ``ratio`` is a peer's time over that of ours on as many cores."""
    one = ours(1, threads=1, held=held, tolerance=options.tolerance)
    core = ours(options.batch, threads=1, held=held, tolerance=options.tolerance)
    many = ours(options.batch, threads=options.threads, held=held, tolerance=options.tolerance)
    rows = [
        {"tool": f"biolab, {name}", "held": held, **row}
        for name, row in (
            ("one run, one core", one),
            ("one run, one core, two stages", ours(1, threads=1, held=held, tolerance=options.tolerance, order=2)),
            (f"{options.batch} runs, one core", core),
            (f"{options.batch} runs, {options.threads} cores", many),
        )
    ]
    for tool in HELD_PEERS if held else PEERS:
        python = sys.executable if tool.startswith("scipy") else options.peers_python
        if python:
            row = measured(python, tool, held, options)
            if "ms" in row:
                row["ratio"] = float(row["ms"]) / float((core if tool.startswith("scipy") else many)["ms"])  # type: ignore[arg-type]
            rows.append(row)
    return [with_error(row) for row in rows]


def on_device(options: argparse.Namespace) -> None:
    """Time runs of ours on a device, in double and in single precision."""
    import torch
    import triton

    rows = []
    for single in (False, True):
        row = ours(
            options.runs, held=False, tolerance=options.tolerance, repeats=2, device=options.device, single=single
        )
        rows.append(with_error({"precision": "single" if single else "double", "held": False, **row}))
        print(f"{rows[-1]['precision']}: {1e3 / float(row['ms']):.3g} runs/s, error {rows[-1]['error']:.1e}")  # type: ignore[arg-type]
    if options.out:
        facts = {
            "device": torch.cuda.get_device_name(), "torch": torch.__version__, "triton": triton.__version__,
            "runs": options.runs, "tolerance": options.tolerance, "rows": rows,
        }  # fmt: skip
        options.out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def goals(rows: list[dict[str, object]]) -> list[str]:
    """Say of each goal what was found, on the plant with its controllers."""
    driven = [row for row in rows if not row["held"]]
    single = driven[0]
    said = [
        "| goal | found | error |\n|---|---|---|",
        f"| one 14-day run in at most {GOAL_MS:g} ms on one core | {single['ms']:.3g} ms | {single['error']:.1e} |",
    ]
    for library, times in GOALS:
        ran = [row for row in driven if str(row["tool"]).startswith(library)]
        best = min((row for row in ran if "ratio" in row), key=lambda row: float(row["ratio"]), default=None)  # type: ignore[arg-type]
        if best:
            found, error = f"{best['ratio']:.3g} times as fast as {best['tool']}", f"{best['error']:.1e}"
        else:
            found, error = "; ".join(f"{row['tool']}: {row['failed']}" for row in ran) or "not run", ""
        said.append(f"| ensemble at least {times} times as fast as {library} | {found} | {error} |")
    return said


def table(rows: list[dict[str, object]]) -> list[str]:
    """Write every solver's row."""
    said = ["| controllers | solver | ms a run of 14 days | times ours | error |\n|---|---|---|---|---|"]
    for row in rows:
        scaled = "" if row["hours"] == HOURS else f" (scaled from {row['hours']} h)"
        time = row.get("failed") or f"{row['ms']:.3g}{scaled}"
        ratio = f"{row['ratio']:.3g}" if "ratio" in row else ""
        error = f"{row['error']:.1e}" if "error" in row else ""
        said.append(f"| {'none' if row['held'] else 'every 0.1 h'} | {row['tool']} | {time} | {ratio} | {error} |")
    return said


def options_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers-python", help="a Python with the peers; without it ours and scipy's are timed")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cap", type=int, default=50, help="seconds for one peer, its start and compilation included")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--device", help="time ours on this device instead, such as cuda")
    parser.add_argument("--runs", type=int, default=1 << 20, help="with --device: so many")
    parser.add_argument("--peer", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = options_of()
    if options.peer:
        tool, hours, runs, held, tolerance = options.peer
        seconds, state = peer(tool, int(hours), int(runs), bool(int(held)), float(tolerance))
        print(json.dumps({"seconds": seconds, "state": state.tolist()}))
        return
    if options.device:
        on_device(options)
        return
    rows = [*compared(False, options), *compared(True, options)]  # noqa: FBT003
    single = single_precision_error()
    print("\n".join([*goals(rows), "", *table(rows), "", f"State held in single precision: error {single:.1e}"]))
    if options.out:
        facts = {
            "tolerance": options.tolerance,
            "threads": options.threads,
            "single_precision_error": single,
            "rows": rows,
        }
        options.out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
