"""Memory and time of what is done with files larger than memory would like: profile, filter to Parquet, trimming.

    python benchmarks/large_files.py --gigabytes 2 --minutes 20 --out benchmarks/results/large-files.json

The FASTQ (reads of 150 bases, drawn with a fixed seed and written over and over until the size is reached) is made in a
temporary folder, or in --folder. Each work runs in a process of its own, one after the other; its peak memory is what
the system says of that process (VmHWM) and holds Python, polars and the compiled code. No work is begun after --minutes
and none runs on past them. Trimming writes a FASTQ.gz file, whose packing takes most of its time.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from surroundings import ROOT, peak_mib, surroundings

BEGUN = time.monotonic()
_DRAWN = 20  # pieces of 10,000 reads, then the first again


def nothing(_path: Path, _folder: Path) -> int:
    """Import what the others import, and no more."""
    import biolab.sequences  # noqa: F401

    return 0


def profile(path: Path, _folder: Path) -> int:
    from biolab.sequences import quality_profile

    return quality_profile(path, positions=150).reads


def parquet(path: Path, folder: Path) -> int:
    import polars as pl

    from biolab.sequences import read_fastq

    out = folder / "filtered.parquet"
    read_fastq(path).filter(pl.col("sequence").str.starts_with("A")).sink_parquet(out)
    return pl.scan_parquet(out).select(pl.len()).collect().item()


def trimming(path: Path, folder: Path) -> int:
    from biolab.data import write_fastq
    from biolab.sequences import read_fastq, trim_reads

    reads = trim_reads(read_fastq(path), quality=20, adapter="AGATCGGAAGAGC")
    return write_fastq(folder / "trimmed.fastq.gz", reads).stat().st_size


WORKS: dict[str, Callable[[Path, Path], int]] = {
    "nothing": nothing,
    "profile": profile,
    "parquet": parquet,
    "trimming": trimming,
}


def made(folder: Path, gigabytes: float) -> Path:
    from biolab.kernels.read_profile.cases import fastq as drawn

    path, size = folder / "reads.fastq", 0
    pieces: list[bytes] = []
    with path.open("wb") as handle:
        while size < gigabytes * 1e9:
            if len(pieces) < _DRAWN:
                pieces.append(drawn(10_000, len(pieces), shortest=150, longest=150))
                piece = pieces[-1]
            else:
                piece = pieces[size // len(piece) % _DRAWN]
            size += handle.write(piece)
    return path


def measured(work: str, path: Path, minutes: float) -> dict[str, object]:
    left = 60 * minutes - (time.monotonic() - BEGUN)
    if left <= 0:
        return {"work": work, "failed": f"left out: {minutes:g} minutes were over"}
    command = [sys.executable, __file__, "--work", work, "--path", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=left)
    except subprocess.TimeoutExpired:
        return {"work": work, "failed": f"not done when {minutes:g} minutes were over"}
    if done.returncode:
        return {"work": work, "failed": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def work_alone(work: str, path: Path) -> None:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        found = WORKS[work](path, Path(folder))
    seconds = time.perf_counter() - started
    print(json.dumps({"work": work, "found": found, "seconds": round(seconds, 2), "peak_mib": round(peak_mib())}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--folder", type=Path, help="where the file is made and what comes of it written")
    parser.add_argument("--out", type=Path, help="where to write the measurements as JSON")
    parser.add_argument("--work", choices=list(WORKS), help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work_alone(options.work, options.path)
        return
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    print("| work | seconds | peak MiB | found |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = made(Path(folder), options.gigabytes)
        size = path.stat().st_size
        for work in WORKS:
            rows.append(measured(work, path, options.minutes))
            one = rows[-1]
            found = one.get("found", one.get("failed"))
            print(f"| {work} | {one.get('seconds', '')} | {one.get('peak_mib', '')} | {found} |", flush=True)
    if options.out:
        text = json.dumps({"environment": surroundings(), "bytes": size, "measurements": rows}, indent=1) + "\n"
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text)


if __name__ == "__main__":
    main()
