"""Time lasso paths of 100 lambdas on real cohorts beside scikit-survival and glmnet, with objective and failures.

    python benchmarks/paths.py --peers-python PYTHON --out benchmarks/results/paths-cpu.json

Data are SurvSet's DBCD (295 x 4,919) and DLBCL (240 x 7,399). Every tool gets the same lambdas, those of our path, and
its own default tolerance (with --strict glmnet a strict one as well, once and without folds); glmnet's early stop is
turned off, for else it returns fewer lambdas. The gap is a tool's objective less ours at every lambda, by one function
in this process. glmnet and biolab standardise inside the clock; scikit-survival is given standardised columns.
Compilation is not counted. Failures are fits without one of five folds that raise or return fewer lambdas. Needs
Rscript with glmnet for that peer.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__)


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    n, p, _ = np.fromfile(folder / "sizes").astype(int)
    parts = {name: np.fromfile(folder / name) for name in ("x", "time", "event", "lambdas", "fold")}
    x = np.asfortranarray(parts["x"].reshape(p, n).T)
    return x, parts["time"], parts["event"] == 1, parts["lambdas"], parts["fold"]


def biolab_fit(x, follow_up, event, lambdas):
    from biolab.survival import CoxPath

    return CoxPath(lambdas=lambdas.tolist()).fit(x, (follow_up, event)).coef_path_


def scikit_survival_fit(x, follow_up, event, lambdas):
    from sksurv.linear_model import CoxnetSurvivalAnalysis
    from sksurv.util import Surv

    target = Surv.from_arrays(event=event, time=follow_up)
    return CoxnetSurvivalAnalysis(l1_ratio=1.0, alphas=lambdas).fit(x, target).coef_.T


def peak_mib() -> float:
    """Return the most memory held since this program started (getrusage would count its parent's)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def work(tool: str, folder: Path, repeats: int) -> None:
    """Fit in this process and print a line of JSON."""
    x, follow_up, event, lambdas, fold = read(folder)
    fit = {"biolab": biolab_fit, "scikit-survival": scikit_survival_fit}[tool]
    scale = np.ones(x.shape[1])
    if tool == "scikit-survival":
        scale = x.std(axis=0)
        x = np.asfortranarray((x - x.mean(axis=0)) / scale)
    before = peak_mib()
    found: dict[str, object] = {}
    try:
        fit(x, follow_up, event, lambdas[:3])  # compiled and warm
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            coef = fit(x, follow_up, event, lambdas)
            seconds.append(time.perf_counter() - started)
        (coef / scale).tofile(folder / "coef")
        found = {"seconds": seconds, "lambdas_returned": len(coef)}
    except Exception as error:  # noqa: BLE001 - that a tool fails is a result
        found = {"failed": f"{type(error).__name__}: {error}"[:200]}
    peak = peak_mib()
    failures = 0
    for number in np.unique(fold):
        rest = fold != number
        try:
            failures += len(fit(np.asfortranarray(x[rest]), follow_up[rest], event[rest], lambdas)) < len(lambdas)
        except Exception:  # noqa: BLE001
            failures += 1
    package = {"biolab": "biolab", "scikit-survival": "scikit-survival"}[tool]
    sizes = {"peak_mib": round(peak), "grown_mib": round(peak - before), "version": version(package)}
    print(json.dumps(found | {"failed_folds": int(failures)} | sizes))


def prepare(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Write a data set, its lambdas and its folds where all tools read them."""
    import polars.selectors as cs

    from biolab.data import load
    from biolab.stats import stratified_folds
    from biolab.survival import CoxPath

    frame = load(f"survset/{name}").collect()
    x = frame.select(cs.starts_with("num_")).to_numpy()
    follow_up, event = frame["time"].to_numpy(), frame["event"].to_numpy() == 1
    lambdas = CoxPath().fit(x, (follow_up, event)).lambdas_
    fold = stratified_folds(event, 5, seed=0)
    parts = {"sizes": [*x.shape, len(lambdas)], "x": x.T, "time": follow_up, "event": event, "lambdas": lambdas}
    for part, values in (parts | {"fold": fold}).items():
        np.ascontiguousarray(values, dtype=np.float64).tofile(folder / part)
    return x, follow_up, event, lambdas


def objectives(x, follow_up, event, lambdas, coef) -> np.ndarray:
    from biolab.survival.cox_path_fit import log_likelihoods
    from biolab.survival.follow_up import follow_up as cases

    loss = -log_likelihoods(x, cases((follow_up, event)), coef, "breslow") / len(x)
    return loss + lambdas * (np.abs(coef) @ x.std(axis=0))


def run(command: list[str], folder: Path, options: argparse.Namespace) -> dict[str, object]:
    (folder / "coef").unlink(missing_ok=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": str(options.threads)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=options.timeout
        )
    except (subprocess.TimeoutExpired, FileNotFoundError) as error:
        return {"failed": str(error)[:200]}
    if done.returncode != 0:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
    row: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    if "seconds" in row:
        seconds = row.pop("seconds")
        row |= {"best_s": min(seconds), "median_s": statistics.median(seconds)}
    return row


def measure(name: str, options: argparse.Namespace) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        data = prepare(name, folder)
        x, lambdas = data[0], data[3]
        commands = {"biolab": [sys.executable, str(HERE), "--work", "biolab"]}
        if options.peers_python:
            commands["scikit-survival"] = [options.peers_python, str(HERE), "--work", "scikit-survival"]
        if not options.without_r:
            commands["glmnet"] = ["Rscript", str(HERE.with_suffix(".R")), "1e-7"]
            if options.strict:
                commands["glmnet, thresh 1e-11"] = ["Rscript", str(HERE.with_suffix(".R")), "1e-11"]
        rows, ours = [], None
        for tool, command in commands.items():
            row = {"tool": tool, "data": name, "n": len(x), "p": x.shape[1]}
            row |= run([*command, str(folder), str(options.repeats)], folder, options)
            if (folder / "coef").exists():
                coef = np.fromfile(folder / "coef").reshape(-1, x.shape[1])
                reached = objectives(*data[:3], lambdas[: len(coef)], coef)
                ours = reached if ours is None else ours
                gap = reached - ours[: len(reached)]
                row |= {"gap_max": gap.max(), "gap_min": gap.min(), "gap": [float(f"{one:.3g}") for one in gap]}
                row["columns_at_the_end"] = int(np.count_nonzero(coef[-1]))
            print({key: value for key, value in row.items() if key != "gap"}, file=sys.stderr)
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", nargs=3, metavar=("TOOL", "FOLDER", "REPEATS"), help="used by the driver itself")
    parser.add_argument("--data", nargs="*", default=["DBCD", "DLBCL"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one tool on one data set")
    parser.add_argument("--peers-python", help="a Python with scikit-survival")
    parser.add_argument("--without-r", action="store_true")
    parser.add_argument("--strict", action="store_true", help="fit glmnet at thresh 1e-11 too, which takes minutes")
    parser.add_argument("--out", type=Path, help="where to write the JSON; printed if not given")
    options = parser.parse_args()
    if options.work:
        work(options.work[0], Path(options.work[1]), int(options.work[2]))
        return
    rows = [row for name in options.data for row in measure(name, options)]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    environment = {
        "commit": commit,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "threads": options.threads,
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }
    text = json.dumps({"environment": environment, "measurements": rows}, indent=1) + "\n"
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
