"""A file larger than what its reading may hold: peak memory of a process of its own."""

import subprocess
import sys

import pytest

PROBE = """
import re, sys
from pathlib import Path
import polars as pl
from biolab.data import read_fastq
read_fastq(sys.argv[1]).filter(pl.col("sequence").str.starts_with("ACGT")).sink_parquet(sys.argv[2])
found = pl.scan_parquet(sys.argv[2]).select(pl.len()).collect().item()
print(found, re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_what_a_filter_leaves_does_not_keep_the_file_in_memory(tmp_path):
    read = "@{:07d}\n{}\n+\n" + "F" * 150 + "\n"
    block = "".join(read.format(i, ("ACGT" if i % 256 == 0 else "TTTT") + "ACGTAC" * 24 + "AA") for i in range(10_000))
    file = tmp_path / "reads.fastq"
    with file.open("w") as out:
        for _ in range(130):  # 410 MB
            out.write(block)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, file, tmp_path / "found.parquet"], capture_output=True, text=True, check=True
    )
    found, peak = (int(number) for number in done.stdout.split())
    assert found == 130 * 40
    assert peak < 350_000
