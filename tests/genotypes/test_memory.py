"""A .bed of 1.5 GB in a third of it: peak memory of a process of its own, pages of the file counted in."""

import re
import subprocess
import sys

import numpy as np
import pytest

SAMPLES, VARIANTS, DRAWN = 20_000, 300_000, 300
PROBE = """
import sys
from pathlib import Path
import polars as pl
from biolab import genotypes as gt
opened = gt.read_plink(sys.argv[1])
found = gt.allele_frequency(opened).counts.frequency
weights = opened.variants.select("variant_id", "effect_allele", w=pl.lit(1.0))
mean = gt.score(opened, weights).scores["w"].mean()
components = gt.pca(opened.select(variants=range(0, opened.shape[0], 150)), components=2).components
print(found.mean(), mean, components.shape[0], Path("/proc/self/status").read_text())
"""


@pytest.fixture
def large(tmp_path):
    """Write 300 drawn variants again and again, each time with other samples first."""
    generator = np.random.default_rng(1)
    frequency = generator.uniform(0.05, 0.5, size=(DRAWN, 1))
    dosage = (generator.random((DRAWN, SAMPLES)) < frequency).astype(np.uint8)
    dosage += generator.random((DRAWN, SAMPLES)) < frequency
    codes = np.array([0b11, 0b10, 0b00], dtype=np.uint8)[dosage].reshape(DRAWN, -1, 4)
    packed = (codes << np.array([0, 2, 4, 6], dtype=np.uint8)).sum(axis=2, dtype=np.uint8)
    with (tmp_path / "large.bed").open("wb") as out:
        out.write(b"\x6c\x1b\x01")
        for k in range(VARIANTS // DRAWN):
            out.write(np.roll(packed, 7 * k, axis=1).tobytes())
    samples = "".join(f"f{i}\ts{i}\t0\t0\t0\t-9\n" for i in range(SAMPLES))
    (tmp_path / "large.fam").write_text(samples)
    variants = "".join(f"{1 + 22 * j // VARIANTS}\tv{j}\t0\t{j + 1}\tA\tG\n" for j in range(VARIANTS))
    (tmp_path / "large.bim").write_text(variants)
    yield tmp_path / "large", dosage.mean() / 2
    (tmp_path / "large.bed").unlink()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_frequencies_scores_and_components_of_a_file_larger_than_their_memory(large):
    prefix, frequency = large
    done = subprocess.run([sys.executable, "-c", PROBE, prefix], capture_output=True, text=True, check=True)
    found, score, persons = (float(word) for word in done.stdout.split()[:3])
    assert found == pytest.approx(frequency, rel=1e-9)
    assert score == pytest.approx(2 * frequency * VARIANTS, rel=1e-9)
    assert persons == SAMPLES
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", done.stdout)[1])
    assert peak < 550_000, f"{peak / 1024:.0f} MB for {prefix.with_suffix('.bed').stat().st_size / 2**20:.0f} MB"
