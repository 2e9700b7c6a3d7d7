"""Time genotype work against PLINK 2 (and tensorQTL) on simulated genotypes, with peak memory; print one table.

    python benchmarks/genotypes.py --sizes 5000x100000 20000x200000 --out benchmarks/results/genotypes.json
    python benchmarks/genotypes.py --sizes 5000x20000 --repeats 1        # a short look

Each measurement is a process of its own, and both sides open the .bed, read the same weights or phenotypes from text,
and write their table with the same columns. PLINK is timed from start to end; biolab is timed as in a session, after a
warm-up on a thousand variants (the column "with start" has the whole process). Peak memory is the process's own. The
first process of each is not counted, unless it takes over --enough seconds, after which no more are run; the .bed is
read once before. No work is begun after --minutes (files are simulated before the clock starts), and one run of one
tool is cut off after --cap seconds. `plink2` must be on the path; the BLAS it finds is printed, as its scores depend
on it (LD_LIBRARY_PATH chooses one). For tensorQTL give --tensorqtl-python, a Python that has it: it imputes missing
calls by the mean, gets decoded dosages in memory, and its start and reading are not counted; ours then imputes by the
mean, too, and reads the .bed.
Simulated files are kept in --folder and found again there. Contract tests of packed_matmul run first; nothing is
reported while they are red.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from surroundings import ROOT, said, surroundings

PHENOTYPE = "--pheno people.tsv --pheno-name y --covar people.tsv --covar-name " + ",".join(f"c{k}" for k in range(10))
WORKS = {
    "frequencies": ("--freq", 2.0),
    "1 score": ("--score weights1.tsv 1 2 header-read cols=+scoresums --score-col-nums 3", 2.0),
    "100 scores": ("--score weights100.tsv 1 2 header-read cols=+scoresums --score-col-nums 3-102", 2.0),
    "linear, 10 covariates": (f"--glm hide-covar omit-ref {PHENOTYPE}", 2.0),
    "linear, mean-imputed": ("", 10.0),  # beside tensorQTL alone
}
OURS = """
import sys
import time
import polars as pl
from biolab import genotypes as gt
folder, work, out = sys.argv[1:4]
def run(first=None):
    made = gt.read_plink(f"{folder}/g")
    made = made if first is None else made.select(variants=range(first))
    if work == "frequencies":
        names = ["chromosome", "variant_id", "other_allele", "effect_allele"]
        columns = [*names, "effect_allele_frequency", "observed_alleles"]
        gt.allele_frequency(made).table().select(columns).write_csv(out, separator="\\t")
    elif work.endswith(("score", "scores")):
        weights = pl.read_csv(f"{folder}/weights{work.split()[0]}.tsv", separator="\\t")
        gt.score(made, weights, ambiguous="keep").scores.write_csv(out, separator="\\t")
    else:
        people = pl.read_csv(f"{folder}/people.tsv", separator="\\t").rename({"#FID": "fid", "IID": "iid"})
        covariates = [f"c{k}" for k in range(10)]
        missing = "mean" if work.endswith("imputed") else "complete"
        found = gt.associate(made, people, outcome="y", covariates=covariates, missing=missing)
        found.write_csv(out, separator="\\t")
run(1000)
start = time.perf_counter()
run()
print("seconds", time.perf_counter() - start)
"""
TENSORQTL = """
import importlib.util, sys, time, types
import numpy as np, pandas as pd, torch
folder, variants = sys.argv[1], int(sys.argv[2])
# its scan alone: other parts of the package need readers and plots that are not used here
package = types.ModuleType("tensorqtl")
package.__path__ = list(importlib.util.find_spec("tensorqtl").submodule_search_locations)
sys.modules["tensorqtl"] = package
if importlib.util.find_spec("pandas_plink") is None:
    sys.modules["pandas_plink"] = types.SimpleNamespace(read_plink=None)
from tensorqtl import trans
people = pd.read_csv(f"{folder}/people.tsv", sep="\\t").set_index("IID")
n = len(people)
row = -(-n // 4)
raw = np.fromfile(f"{folder}/g.bed", dtype=np.uint8, offset=3, count=row * variants).reshape(variants, row)
dosage = np.array([2, -9, 1, 0], dtype=np.int8)[(raw[:, :, None] >> np.array([0, 2, 4, 6], dtype=np.uint8)) & 3]
names = [f"v{j}" for j in range(variants)]
frame = pd.DataFrame(dosage.reshape(variants, -1)[:, :n], index=names, columns=people.index)
covariates = people[[f"c{k}" for k in range(10)]]
phenotype = people[["y"]].T
start = time.perf_counter()
options = dict(return_sparse=False, maf_threshold=0, batch_size=4096, verbose=False)
found = trans.map_trans(frame, phenotype, covariates, **options)
print("seconds", time.perf_counter() - start)
found[0].iloc[:, :1].rename_axis("variant_id").set_axis(["theirs"], axis=1).to_csv("tensorqtl.tsv", sep="\\t")
"""


def simulate(folder: Path, samples: int, variants: int, seed: int) -> None:
    """Write genotypes whose haplotypes are pieces of 200 ancestors', and tables beside them."""
    generator = np.random.default_rng(seed)
    row, piece, ancestors = -(-samples // 4), 100, 200
    latent = generator.normal(size=ancestors)
    with (folder / "g.bed").open("wb") as handle:
        handle.write(b"\x6c\x1b\x01")
        for start in range(0, variants, piece):
            many = min(piece, variants - start)
            alleles = np.empty((many, ancestors), dtype=np.uint8)
            for j in range(many):
                latent = 0.95 * latent + np.sqrt(1 - 0.95**2) * generator.normal(size=ancestors)
                alleles[j] = latent < generator.normal(scale=0.9)
            dosage = np.zeros((many, 4 * row), dtype=np.uint8)
            for _ in range(2):
                dosage[:, :samples] += alleles[:, generator.integers(ancestors, size=samples)]
            codes = np.array([3, 2, 0, 1], dtype=np.uint8)[dosage]
            gone = generator.integers(samples, size=(many, samples // 100))
            np.put_along_axis(codes, gone, np.uint8(1), axis=1)
            codes[:, samples:] = 0
            fours = codes.reshape(many, row, 4)
            handle.write((fours[..., 0] | fours[..., 1] << 2 | fours[..., 2] << 4 | fours[..., 3] << 6).tobytes())
    lines = (f"{1 + 22 * j // variants}\tv{j}\t0\t{1000 + 100 * j}\tA\tG\n" for j in range(variants))
    (folder / "g.bim").write_text("".join(lines))
    (folder / "g.fam").write_text("".join(f"i{i}\ti{i}\t0\t0\t{1 + i % 2}\t-9\n" for i in range(samples)))
    _write_tables(folder, samples, variants, generator)


def _write_tables(folder: Path, samples: int, variants: int, generator: np.random.Generator) -> None:
    import polars as pl

    people = generator.normal(size=(samples, 11)).round(5)
    names = pl.DataFrame({"#FID": [f"i{i}" for i in range(samples)], "IID": [f"i{i}" for i in range(samples)]})
    columns = ["y", *(f"c{k}" for k in range(10))]
    names.hstack(pl.DataFrame(people, schema=columns)).write_csv(folder / "people.tsv", separator="\t")
    ids = pl.DataFrame({"variant_id": [f"v{j}" for j in range(variants)]}).with_columns(effect_allele=pl.lit("A"))
    for count in (1, 100):
        weights = pl.DataFrame(
            generator.normal(size=(variants, count)).round(5), schema=[f"s{k}" for k in range(count)]
        )
        ids.hstack(weights).write_csv(folder / f"weights{count}.tsv", separator="\t")


def simulated(samples: int, variants: int, options: argparse.Namespace) -> Path:
    """Return a folder with the simulated files, made if it is not there."""
    folder = options.folder / f"{samples}x{variants}-{options.seed}"
    done = folder / "whole"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        simulate(folder, samples, variants, options.seed)
        done.touch()
    return folder


def into_page_cache(path: Path) -> None:
    with path.open("rb") as handle:
        while handle.read(1 << 24):
            pass


def timed(command: list[str], folder: Path, cap: float, environment: dict[str, str]) -> dict[str, object]:
    """Run a command; return seconds and peak memory of it alone (its parent is a process of its own)."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = process.communicate(timeout=cap)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"failed": f"cut off after {cap} s"}
    seconds = time.perf_counter() - start
    if process.returncode:
        lines = [line for line in output.splitlines() if "rror" in line] or ["no word"]
        return {"failed": lines[-1][:200]}
    return {"seconds": seconds, "output": output}


def measured(command: list[str], folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Repeat a command, each time in a child that reports the peak memory of its one child."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": str(options.threads), "OPENBLAS_NUM_THREADS": str(options.threads),
    }  # fmt: skip
    if time.monotonic() - options.begun > 60 * options.minutes:
        return {"failed": f"left out: {options.minutes:g} minutes were over"}
    runs, whole, memory = [], [], 0.0
    for _ in range(options.repeats + 1):  # the first warms what is not warm
        reader = subprocess.run(
            [sys.executable, __file__, "--run-one", json.dumps([command, str(folder), options.cap])],
            capture_output=True, text=True, check=True, env=environment,
        )  # fmt: skip
        found = json.loads(reader.stdout.splitlines()[-1])
        if "failed" in found:
            return found
        own = [line for line in found["output"].splitlines() if line.startswith("seconds ")]
        runs.append(float(own[0].split()[1]) if own else found["seconds"])
        whole.append(found["seconds"])
        memory = max(memory, found["peak_memory_mb"])
        if runs[0] > options.enough:
            break
    counted = slice(1 if len(runs) > 1 else 0, None)
    return {
        "median_s": float(np.median(runs[counted])),
        "with_start_s": float(np.median(whole[counted])),
        "runs_s": runs[counted],
        "peak_memory_mb": memory,
    }


def run_one(text: str) -> None:
    command, folder, cap = json.loads(text)
    found = timed(command, Path(folder), cap, dict(os.environ))
    print(json.dumps(found | {"peak_memory_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}))


def agree(folder: Path, work: str) -> str:
    """Say how far ours and PLINK's tables are from each other."""
    import polars as pl

    ours = pl.read_csv(folder / "ours.tsv", separator="\t", null_values="NA")
    endings = {"frequencies": "afreq", "linear, 10 covariates": "y.glm.linear"}
    theirs = pl.read_csv(
        folder / f"plink.{endings.get(work, 'sscore')}", separator="\t", null_values="NA", infer_schema_length=None
    )
    if work == "frequencies":
        a, b = ours["effect_allele_frequency"].to_numpy(), theirs["ALT_FREQS"].to_numpy()
    elif work == "linear, 10 covariates":
        sign = np.where(theirs["A1"] == "A", 1.0, -1.0)
        a, b = ours["beta"].to_numpy() * sign, theirs["BETA"].to_numpy()
    else:
        a, b = ours["s0"].to_numpy(), theirs["s0_SUM"].to_numpy()
    known = ~(np.isnan(a) | np.isnan(b))
    return f"{np.max(np.abs(a - b)[known]) / np.std(b[known]):.1e} of a standard deviation"


def plink(work: str, options: argparse.Namespace) -> list[str]:
    return ["plink2", "--bfile", "g", *WORKS[work][0].split(), "--threads", str(options.threads), "--out", "plink"]


def measure_size(samples: int, variants: int, options: argparse.Namespace) -> list[dict[str, object]]:
    found = []
    folder = simulated(samples, variants, options)
    into_page_cache(folder / "g.bed")
    (folder / "ours.py").write_text(OURS)
    (folder / "tensorqtl_scan.py").write_text(TENSORQTL)
    for work in options.works:
        beside_plink = bool(WORKS[work][0])
        if not beside_plink and not options.tensorqtl_python:
            continue
        row = {"samples": samples, "variants": variants, "work": work}
        ours = [sys.executable, "ours.py", ".", work, "ours.tsv"]
        found.append(row | {"tool": "biolab"} | measured(ours, folder, options))
        if beside_plink and shutil.which("plink2"):
            theirs = row | {"tool": "plink2"} | measured(plink(work, options), folder, options)
            found.append(theirs if "failed" in theirs else theirs | {"difference": agree(folder, work)})
        if not beside_plink:
            part = min(variants, options.tensorqtl_variants)
            command = [options.tensorqtl_python, "tensorqtl_scan.py", ".", str(part)]
            scaled = measured(command, folder, options)
            if "median_s" in scaled:
                scaled |= {"median_s": float(scaled["median_s"]) * variants / part, "difference": agree_p(folder)}
            found.append(row | {"tool": f"tensorQTL (from {part:,} variants)"} | scaled)
        for one in found[-2:]:
            print(json.dumps(one), file=sys.stderr, flush=True)
    return found


def agree_p(folder: Path) -> str:
    """Say how far the logarithms of our p-values and tensorQTL's are apart."""
    import polars as pl

    ours = pl.read_csv(folder / "ours.tsv", separator="\t", null_values="NA").select("variant_id", "p_value")
    both = ours.join(pl.read_csv(folder / "tensorqtl.tsv", separator="\t"), on="variant_id").drop_nulls()
    apart = both.filter(pl.col("theirs") > 0).select((pl.col("p_value") / pl.col("theirs")).log10().abs().max()).item()
    return f"{apart:.1e} in log10 p of {both.height:,} variants"


def table(found: list[dict[str, object]]) -> str:
    lines = ["| size | work | tool | median s | with start | ratio | memory MB | difference | goal |", "|" + "---|" * 9]
    for one in found:
        size = f"{one['samples']:,} x {one['variants']:,}"
        if "median_s" not in one:
            lines.append(f"| {size} | {one['work']} | {one['tool']} | {one['failed']} | | | | | |")
            continue
        same = [
            o for o in found if all(o[k] == one[k] for k in ("samples", "variants", "work")) and o["tool"] == "biolab"
        ]
        ratio = one["median_s"] / same[0]["median_s"] if same and "median_s" in same[0] else float("nan")
        goal = WORKS[one["work"]][1]
        verdict = f">= {goal:g} x: {'held' if ratio >= goal else 'missed'}"
        if one["tool"] == "biolab":
            verdict = f"<= 1000 MB: {'held' if one['peak_memory_mb'] <= 1000 else 'missed'}"
        shown = "" if one["tool"] == "biolab" else f"{ratio:.1f}"
        lines.append(
            f"| {size} | {one['work']} | {one['tool']} | {one['median_s']:.2f} | {one['with_start_s']:.2f} | {shown} "
            f"| {one['peak_memory_mb']:.0f} | {one.get('difference', '')} | {verdict} |"
        )
    return "\n".join(lines)


def environment(options: argparse.Namespace) -> dict[str, object]:
    found = Path(shutil.which("plink2") or "plink2").resolve()
    programs = [found, *sorted(found.parent.glob("plink2-*"))]  # Debian's name is a script that picks one of several
    told = "\n".join(said("ldd", str(program)) for program in programs)
    return surroundings(threads=options.threads, packages=("numpy", "numba", "polars")) | {
        "plink2": said("plink2", "--version"),
        "blas": sorted({line.split()[0] for line in told.splitlines() if "blas" in line}),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", default=["5000x100000", "20000x200000"], help="samples x variants")
    parser.add_argument("--works", nargs="*", choices=list(WORKS), default=list(WORKS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cap", type=float, default=240, help="seconds for one run of one tool")
    parser.add_argument("--minutes", type=float, default=10, help="after so many no further work is begun")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--enough", type=float, default=12, help="seconds of a first run that is enough")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "biolab-benchmark",
        help="where simulated files stay",
    )
    parser.add_argument("--tensorqtl-python", help="a Python with tensorqtl")
    parser.add_argument("--tensorqtl-variants", type=int, default=20_000, help="its time is scaled up from so many")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--run-one", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.run_one:
        run_one(options.run_one)
        return
    tests = [sys.executable, "-m", "pytest", "-q", "-m", "", "-k", "packed_matmul", "tests/kernels/test_contract.py"]
    if subprocess.run(tests, cwd=ROOT, capture_output=True, check=False).returncode:
        sys.exit("packed_matmul: contract tests are red, so no speed is reported")
    print(json.dumps(environment(options)), file=sys.stderr)
    sizes = [tuple(int(part) for part in size.split("x")) for size in options.sizes]
    for samples, variants in sizes:
        simulated(samples, variants, options)
    options.begun = time.monotonic()
    found = [one for samples, variants in sizes for one in measure_size(samples, variants, options)]
    print(table(found))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(
            json.dumps({"environment": environment(options), "measurements": found}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
