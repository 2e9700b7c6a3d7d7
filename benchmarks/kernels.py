"""Time the kernels against their peers; report nothing of an operation whose contract tests are red.

    python benchmarks/kernels.py --sizes 10000 100000 1000000 --out benchmarks/results/kernels.json
    python benchmarks/kernels.py --operations cox_scan --peers-python /path/to/python-with-peers

Each measurement runs in a process of its own, so that peak memory is its own. Ours run in this Python, peers in the
one given (it needs numpy, torch and the peer; see `peers_survival.py`); what is not installed there is left out.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORKLOADS = {
    "cox_loss": ["no_ties", "months", "one_tie_of_a_tenth"],
    "concordance": ["harrell_with_error", "bootstrap_1000"],
    "cox_information": ["fit_10_columns"],
    "cox_scan": ["genome"],
}
PEERS = {
    "cox_loss": ["coxdev", "torchsurv", "pycox"],
    "concordance": ["lifelines", "survival"],
    "cox_information": ["R", "survival", "lifelines", "scikit-survival"],
    "cox_scan": ["survival", "lifelines"],
}


def contract_is_green(operation: str) -> bool:
    tests = ["tests/kernels/test_contract.py", "tests/kernels/test_gpu.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-k", operation, *tests]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-3000:], file=sys.stderr)
    return done.returncode == 0


def measured(python: str, tool: str, workload: tuple[str, str, int], options: argparse.Namespace) -> dict[str, object]:
    operation, name, size = workload
    script = Path(__file__).with_name("peers_survival.py")
    command = [python, str(script), tool, operation, name, str(size), str(options.repeats), options.device]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": str(options.threads)}
    row: dict[str, object] = {"tool": tool, "operation": operation, "workload": name, "n": size}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=options.timeout, env=environment
        )
    except subprocess.TimeoutExpired:
        return row | {"failed": f"no result within {options.timeout} s"}
    if done.returncode != 0:
        return row | {"failed": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:300]}
    return row | json.loads(done.stdout.splitlines()[-1])


def environment(options: argparse.Namespace) -> dict[str, object]:
    def installed(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    device = model[0].split(":")[1].strip() if model else platform.processor()
    if options.device == "cuda":
        import torch

        device = torch.cuda.get_device_name()
    return {
        "commit": commit,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        "cores": os.cpu_count(),
        "threads": options.threads,
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: installed(name) for name in ("numpy", "numba", "torch", "triton")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operations", nargs="*", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--sizes", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--features", nargs="*", type=int, default=[15_000], help="sizes of a genome scan")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one tool on one workload")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--peers-python", help="a Python with the peers installed; without it ours alone are timed")
    parser.add_argument("--out", type=Path, help="where to write the JSON; printed if not given")
    options = parser.parse_args()

    rows, red = [], []
    for operation in options.operations:
        if not contract_is_green(operation):
            red.append(operation)
            print(f"{operation}: contract tests are red, so no speed is reported", file=sys.stderr)
            continue
        for name in WORKLOADS[operation]:
            for size in options.features if operation == "cox_scan" else options.sizes:
                tools = [(sys.executable, "biolab")]
                if options.peers_python:
                    tools += [(options.peers_python, peer) for peer in PEERS[operation]]
                for python, tool in tools:
                    rows.append(measured(python, tool, (operation, name, size), options))
                    print(json.dumps(rows[-1]), file=sys.stderr)
    text = json.dumps({"environment": environment(options), "red": red, "measurements": rows}, indent=1)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n")
    else:
        print(text)
    sys.exit(1 if red else 0)


if __name__ == "__main__":
    main()
