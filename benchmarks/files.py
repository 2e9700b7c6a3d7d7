"""Time reading of FASTQ and VCF and scoring of alignments beside the tools of the field, on the same files.

    python benchmarks/files.py --peers-python PYTHON --out benchmarks/results/files-cpu.json   # about 6 minutes

Works: GC and quality profile of 100,000 reads of 150 bases (plain FASTQ; polars-bio counts GC alone), sites of a bgzip
VCF with 200 samples and of one without samples, genotypes of the former as dosages, global alignment scores of 40 x 100
proteins of about 300 residues. Inputs are simulated with a fixed seed. Every tool runs in a process of its own, one
after the other, in as many rounds as told; the first call is not counted. All must find the same numbers, or the row
says that they differ. Speed is megabytes of unpacked text a second of wall time (best of all rounds), for alignments
millions of cells a second. The table says which goals held; no tool is begun after --minutes.
PYTHON has cyvcf2, dnaio, needletail, oxbow, parasail, polars-bio, pysam and biopython.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from files_tools import TOOLS
from surroundings import ROOT, surroundings

HERE = Path(__file__).with_name("files_tools.py")
BEGUN = time.monotonic()
# Of each row: the peer our speed is divided by (none: megabytes a second), and the least that is asked of it.
GOALS = {
    "FASTQ: GC and quality profile": ("", 120.0),
    "VCF.gz: sites beside 200 samples": ("oxbow", 1.0),
    "VCF.gz: sites alone": ("oxbow", 1.0),
    "VCF.gz: genotypes of 200 samples": ("cyvcf2", 2.0),
    "alignment: global scores": ("parasail", 0.9),
}
HEADER = (
    "##fileformat=VCFv4.3",
    '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency">',
    '##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">',
    '##FILTER=<ID=PASS,Description="All filters passed">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    "##contig=<ID=1,length=248956422>",
)


def fastq(folder: Path, scale: float) -> tuple[Path, int]:
    from biolab.kernels.read_profile.cases import fastq as drawn

    path = folder / "reads.fastq"
    text = b"".join(drawn(10_000, seed, shortest=150, longest=150) for seed in range(max(1, round(10 * scale))))
    path.write_bytes(text)
    return path, len(text)


def vcf(folder: Path, variants: int, samples: int) -> tuple[Path, int]:
    from Bio import bgzf

    generator = np.random.default_rng(5)
    names = "".join(f"\tS{k}" for k in range(samples))
    head = "\t".join(("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"))
    lines = [*HEADER, head + ("\tFORMAT" + names if samples else "")]
    calls = np.array(["0|0", "0|1", "1|0", "1|1", ".|."])
    positions = np.cumsum(generator.integers(5, 90, variants))
    for k in range(variants):
        f = generator.beta(0.5, 2)
        site = f"1\t{positions[k]}\trs{k}\tA\tG\t100\tPASS\tAF={f:.4f};DP={generator.integers(100, 9999)}"
        if samples:
            shares = [(1 - f) ** 2 * 0.99, f * (1 - f) * 0.99, f * (1 - f) * 0.99, f * f * 0.99, 0.01]
            site += "\tGT\t" + "\t".join(calls[generator.choice(5, samples, p=shares)])
        lines.append(site)
    text = ("\n".join(lines) + "\n").encode()
    path = folder / f"{samples}-samples.vcf.gz"
    with bgzf.BgzfWriter(str(path), "wb") as handle:
        handle.write(text)
    return path, len(text)


def proteins(folder: Path, scale: float) -> tuple[Path, int]:
    generator = np.random.default_rng(6)
    place = folder / "proteins"
    place.mkdir()
    lengths: list[int] = []
    for name, count in (("queries", max(2, round(40 * scale))), ("targets", max(2, round(100 * scale)))):
        sizes = generator.integers(250, 350, count)
        texts = ["".join(generator.choice(list("ARNDCQEGHILKMFPSTWYV"), size)) for size in sizes]
        (place / name).write_text("\n".join(texts))
        lengths.append(int(sizes.sum()))
    return place, lengths[0] * lengths[1]


def works(folder: Path, scale: float) -> list[tuple[str, str, Path, int]]:
    """Make the inputs: name of the row, work, path, and how much there is to do."""
    wide, wide_size = vcf(folder, max(100, round(120_000 * scale)), 200)
    narrow, narrow_size = vcf(folder, max(1000, round(1_000_000 * scale)), 0)
    return [
        ("FASTQ: GC and quality profile", "fastq", *fastq(folder, scale)),
        ("VCF.gz: sites beside 200 samples", "sites", wide, wide_size),
        ("VCF.gz: sites alone", "sites", narrow, narrow_size),
        ("VCF.gz: genotypes of 200 samples", "genotypes", wide, wide_size),
        ("alignment: global scores", "alignment", *proteins(folder, scale)),
    ]


def run(tool: str, work: str, path: Path, options: argparse.Namespace) -> dict[str, object]:
    if time.monotonic() - BEGUN > 60 * options.minutes:
        return {"failed": f"left out: {options.minutes:g} minutes were over"}
    python = sys.executable if tool == "biolab" else options.peers_python
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src") if tool == "biolab" else ""}
    command = [python, str(HERE), tool, work, str(path), str(options.repeats)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=options.timeout
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {options.timeout} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def measure(options: argparse.Namespace) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as place:
        for name, work, path, size in works(Path(place), options.scale):
            if options.works and work not in options.works:
                continue
            tools = [tool for tool in TOOLS[work] if tool == "biolab" or options.peers_python]
            runs: dict[str, list[dict[str, object]]] = {tool: [] for tool in tools}
            for _ in range(options.rounds):
                for tool in tools:
                    runs[tool].append(run(tool, work, path, options))
            rows += [row(name, tool, size, runs[tool], runs["biolab"]) for tool in tools]
            for one in rows[-len(tools) :]:
                print(one, file=sys.stderr, flush=True)
    return rows


def row(name: str, tool: str, size: int, runs: list, ours: list) -> dict[str, object]:
    good = [one for one in runs if "seconds" in one]
    if not good:
        return {"work": name, "tool": tool, "failed": runs[0]["failed"]}
    best = min(second for one in good for second in one["seconds"])
    middle = statistics.median(second for one in good for second in one["seconds"])
    reference = [one for one in ours if "seconds" in one]
    found: dict[str, object] = {
        "work": name, "tool": tool, "version": good[0]["version"],
        "best_s": round(best, 4), "median_s": round(middle, 4),
        "processor_s": round(min(second for one in good for second in one["processor"]), 4),
        "speed": round(size / 1e6 / best, 1), "size": size, "peak_mib": good[0]["peak_mib"],
    }  # fmt: skip
    if reference:
        theirs, mine = good[0]["found"], reference[0]["found"]
        found["times_slower"] = round(middle / statistics.median(s for one in reference for s in one["seconds"]), 2)
        found["same_numbers"] = bool(np.allclose(theirs, mine[: len(theirs)]))
    return found


def table(rows: list[dict[str, object]]) -> str:
    """Set speeds, ratios, memory and goals side by side."""
    lines = ["| work | tool | speed | slower than ours | peak MiB | same numbers | goal |", "|" + "---|" * 7]
    for one in rows:
        if "speed" not in one:
            lines.append(f"| {one['work']} | {one['tool']} | {one['failed']} | | | | |")
            continue
        slower = "" if one["tool"] == "biolab" else one.get("times_slower", "")
        lines.append(
            f"| {one['work']} | {one['tool']} | {one['speed']} | {slower} | {one['peak_mib']} "
            f"| {one.get('same_numbers', '')} | {verdict(one, rows)} |"
        )
    return "\n".join(lines)


def verdict(one: dict[str, object], rows: list[dict[str, object]]) -> str:
    """Say whether the goal of a row held; it stands beside the tool that ours is held against."""
    peer, least = GOALS[str(one["work"])]
    if one["tool"] != (peer or "biolab"):
        return ""
    ours = next((row["speed"] for row in rows if row["work"] == one["work"] and row["tool"] == "biolab"), None)
    if not isinstance(ours, float) or not isinstance(one["speed"], float):
        return ""
    reached = ours / one["speed"] if peer else ours
    asked = f">= {least:g} x {peer}" if peer else f">= {least:g} MB/s"
    return f"{asked}: {'held' if reached >= least else 'missed'} ({reached:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", nargs="*", choices=list(TOOLS), help="only these")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the inputs, 1 for those told above")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="calls a round")
    parser.add_argument("--timeout", type=int, default=120, help="seconds for one tool in one round")
    parser.add_argument("--minutes", type=float, default=10, help="after so many no further tool is begun")
    parser.add_argument("--peers-python", help="a Python with the other tools")
    parser.add_argument("--out", type=Path, help="where to write all measurements as JSON")
    options = parser.parse_args()
    rows = measure(options)
    print(table(rows))
    if options.out:
        text = json.dumps({"environment": surroundings(), "measurements": rows}, indent=1) + "\n"
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text)


if __name__ == "__main__":
    main()
