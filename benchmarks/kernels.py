"""Time the kernels against their peers; report nothing of an operation whose contract tests are red.

    python benchmarks/kernels.py --peers-python /path/to/python-with-peers --out benchmarks/results/kernels-cpu.json
    python benchmarks/kernels.py --operations cox_scan --peers-python /path/to/python-with-peers

One command measures every row of the goal table and prints it. Each measurement runs in a process of its own, so that
peak memory is its own. Ours run in this Python, peers in the one given (it needs numpy, torch and the peer; see
`peers_survival.py` and `peers_packed.py`) and in Rscript; what is not installed is left out, what takes longer than the
cap is cut off.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from surroundings import ROOT, surroundings


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the goal table: what all tools do at one size, whose contract it needs, and what is asked of it.

    ``goals`` maps a peer to the smallest ratio of its time over ours, ``at_most`` is the most seconds ours may take,
    ``script`` runs a tool.
    """

    contract: str
    work: str
    n: int
    peers: tuple[str, ...]
    goals: tuple[tuple[str, float], ...] = ()
    at_most: float = float("inf")
    script: str = "peers_survival.py"


def rows(sizes: list[int]) -> Iterator[Row]:
    """List the goal table for these numbers of patients."""
    for n in sizes:
        for ties in ("months", "no_ties", "one_tie_of_a_tenth"):
            yield Row(
                contract="cox_loss",
                work=f"loss_gradient_hessian {ties}",
                n=n,
                peers=("coxdev",),
                goals=(("coxdev", 5),),
            )
            yield Row(
                contract="cox_loss",
                work=f"loss_gradient {ties}",
                n=n,
                peers=("torchsurv", "pycox"),
                goals=(("torchsurv", 20),),
            )
    # what a tie itself costs: to be held against plain months, since other times tie in one as in the other
    yield Row(contract="cox_loss", work="loss_gradient months_one_tie_of_a_tenth", n=sizes[-1], peers=())
    for n in sizes[:-1] or sizes:
        yield Row(
            contract="concordance",
            work="harrell_with_error",
            n=n,
            peers=("lifelines", "survival", "scikit-survival", "torchsurv"),
            at_most=0.05 if n <= 100_000 else float("inf"),
        )
    yield Row(contract="concordance", work="bootstrap_1000", n=min(sizes), peers=(), at_most=3.0)
    for n in sizes[1:] or sizes:
        yield Row(
            contract="cox_information",
            work="fit_10_columns",
            n=n,
            peers=("R coxph", "R coxph.fit", "survival", "lifelines", "scikit-survival"),
            goals=(("R coxph", 1), ("R coxph.fit", 1), ("survival", 1)),
        )
    yield Row(contract="cox_scan", work="gse1992", n=15_530, peers=("survival", "lifelines"), goals=(("survival", 10),))
    for n in (5_000, 20_000):  # samples, of 20,000 variants
        for work in ("packed_counts", "packed_scores 1", "packed_scores 100", "packed_products 11"):
            yield Row(contract="packed_matmul", work=work, n=n, peers=("numpy", "torch"), script="peers_packed.py")


def contract_is_green(operation: str) -> bool:
    tests = ["tests/kernels/test_contract.py", "tests/kernels/test_gpu.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-k", operation, *tests]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-3000:], file=sys.stderr)
    return done.returncode == 0


def measured(python: str, tool: str, row: Row, data: str, options: argparse.Namespace) -> dict[str, object]:
    script = Path(__file__).with_name(row.script)
    command = [python, str(script), tool, row.work, str(row.n), str(options.repeats), options.device, data]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": str(options.threads)}
    found: dict[str, object] = {"work": row.work, "n": row.n, "tool": tool}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=options.cap, env=environment
        )
    except subprocess.TimeoutExpired:
        return found | {"failed": f"cut off after {options.cap} s"}
    if done.returncode != 0:
        return found | {"failed": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:300]}
    return found | json.loads(done.stdout.splitlines()[-1])


def genome(folder: str) -> str:
    """Write SurvSet's gse1992 (124 patients, 15,530 genes) for all tools to read; empty if SurvSet is not installed.

    Missing values become their gene's median: no tool takes them.
    """
    from biolab.core import MissingExtraError
    from biolab.data import load

    try:
        frame = load("survset/gse1992").collect()
    except MissingExtraError:
        return ""
    genes = frame.select([name for name in frame.columns if name.startswith("num_")])
    values = genes.to_numpy()
    values = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    path = Path(folder) / "gse1992.npz"
    np.savez(path, time=frame["time"], event=frame["event"].to_numpy() == 1, features=values)
    return str(path)


def table(found: list[dict[str, object]], wanted: list[Row]) -> str:
    """Set the measurements out side by side: seconds (median), the peer's over ours, memory, and the goal."""
    lines = ["| work | n | tool | median s | ratio | memory MB | goal |", "|---|---|---|---|---|---|---|"]
    for row in wanted:
        mine = [one for one in found if (one["work"], one["n"]) == (row.work, row.n)]
        ours = next((one["median_s"] for one in mine if one["tool"] == "biolab" and "median_s" in one), float("nan"))
        for one in mine:
            seconds, name = one.get("median_s"), str(one["tool"])
            if seconds is None:
                lines.append(f"| {row.work} | {row.n} | {name} | {one['failed']} | | | |")
                continue
            goal = f"<= {row.at_most} s" if name == "biolab" and row.at_most < float("inf") else ""
            held = ours <= row.at_most
            if name in dict(row.goals):
                goal, held = f">= {dict(row.goals)[name]} x", seconds / ours >= dict(row.goals)[name]
            verdict = f"{goal}: {'held' if held else 'missed'}" if goal else ""
            ratio = "" if name == "biolab" else f"{seconds / ours:.1f}"
            memory = one.get("peak_memory_mb", float("nan"))
            lines.append(f"| {row.work} | {row.n} | {name} | {seconds:.4f} | {ratio} | {memory:.0f} | {verdict} |")
    return "\n".join(lines)


def environment(options: argparse.Namespace) -> dict[str, object]:
    found = surroundings(threads=options.threads, packages=("numpy", "numba", "torch", "triton"))
    if options.device == "cuda":
        import torch

        found["device"] = torch.cuda.get_device_name()
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    operations = ["cox_loss", "concordance", "cox_information", "cox_scan", "packed_matmul"]
    parser.add_argument("--operations", nargs="*", choices=operations, default=operations)
    parser.add_argument("--sizes", nargs="*", type=int, default=[10_000, 100_000, 1_000_000], help="ascending")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cap", type=int, default=120, help="seconds for one tool on one row, its start included")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--peers-python", help="a Python with the peers installed; without it ours alone are timed")
    parser.add_argument("--out", type=Path, help="where to write all measurements as JSON")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    green = {operation: contract_is_green(operation) for operation in options.operations}
    for operation in (name for name, good in green.items() if not good):
        print(f"{operation}: contract tests are red, so no speed is reported", file=sys.stderr)
    wanted = [row for row in rows(options.sizes) if green.get(row.contract)]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        data = genome(folder) if green.get("cox_scan") else ""
        for row in wanted:
            tools = [(sys.executable, "biolab")]
            if options.peers_python:
                tools += [(options.peers_python, peer) for peer in row.peers]
            for python, tool in tools:
                found.append(measured(python, tool, row, data, options))
                print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    print(table(found, wanted))
    if options.out:
        red = [name for name, good in green.items() if not good]
        text = json.dumps({"environment": environment(options), "red": red, "measurements": found}, indent=1)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n")
    sys.exit(0 if all(green.values()) else 1)


if __name__ == "__main__":
    main()
