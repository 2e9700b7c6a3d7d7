"""Sites cut out of long lines are those of whole lines, whatever stands in the lines and however they are packed."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from Bio import bgzf

from biolab import data
from biolab.core import DataError
from biolab.data import leading_fields, text_blocks, vcf_header
from biolab.data.vcf import SITES, site_frame

HEAD = "##fileformat=VCFv4.3\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"
SAMPLES = 150


def lines_of(variants: int, notes: dict[int, str] | None = None) -> list[str]:
    generator = np.random.default_rng(3)
    calls = np.array(["0|0", "0|1", "1/1:12:a", "."])
    found = []
    for k in range(variants):
        note = (notes or {}).get(k, "DP=1" * int(generator.integers(1, 4)))
        site = f"1\t{k + 1}\trs{k}\tAC\tG,T\t.\tPASS\t{note}\tGT"
        found.append(site + "\t" + "\t".join(generator.choice(calls, SAMPLES)))
    return found


def written(folder: Path, lines: list[str], packing: str, end: str = "\n") -> Path:
    names = "".join(f"\tS{k}" for k in range(SAMPLES))
    text = (end.join([HEAD + names, *lines]) + end).encode()
    path = folder / f"{packing}.vcf{'' if packing == 'none' else '.gz'}"
    if packing == "bgzip":
        with bgzf.BgzfWriter(str(path), "wb") as handle:
            handle.write(text)
    else:
        path.write_bytes(text if packing == "none" else gzip.compress(text))
    return path


def whole(path: Path) -> pl.DataFrame:
    header, blocks = vcf_header.vcf_blocks(path)
    frames = [site_frame(block, header, path, columns=list(SITES), keys={}) for block in blocks]
    return pl.concat(frames).select(list(SITES))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_blocks, "_FIRST", 1 << 12)
    monkeypatch.setattr(text_blocks, "BLOCK", 1 << 14)
    monkeypatch.setattr(text_blocks, "_PACKED", 1 << 12)
    monkeypatch.setattr(leading_fields, "_GATHERED", 1 << 11)


@pytest.mark.parametrize(
    ("packing", "notes"),
    [
        ("none", {40: "X" * 200}),
        ("gzip", {}),
        ("bgzip", {70: "한글"}),
        ("bgzip", dict.fromkeys(range(150), "N" * 330)),
    ],
    ids=["long", "plain", "utf8", "wide"],
)
def test_the_sites_are_those_of_whole_lines(tmp_path: Path, packing: str, notes: dict[int, str]):
    path = written(tmp_path, lines_of(150, notes), packing)
    found = data.read_vcf(path).collect()
    assert found.equals(whole(path))
    assert found.height == 150


def test_most_lines_are_cut(tmp_path: Path):
    path = written(tmp_path, lines_of(300), "bgzip")
    blocks = list(vcf_header.vcf_blocks(path, leading=8)[1])
    assert sum(block.cut_to == 8 for block in blocks) > len(blocks) / 2
    assert [one.first_line for one in blocks[1:]] == [one.first_line + one.lines for one in blocks[:-1]]
    assert blocks[0].first_line == 4


def test_comments_windows_ends_and_a_last_line_without_end(tmp_path: Path):
    lines = lines_of(200)
    lines.insert(150, "# a remark")
    path = written(tmp_path, lines, "none", end="\r\n")
    path.write_bytes(path.read_bytes().removesuffix(b"\r\n"))
    found = data.read_vcf(path).collect()
    assert found["start"].to_list() == list(range(200))


@pytest.mark.parametrize(
    ("row", "change", "said"),
    [
        (170, lambda line: line.replace("\t171\t", "\tx171\t"), r"line 174.*field 2 \(start\) is 'x171'"),
        (170, lambda line: "\t".join(line.split("\t")[:7]), "line 174 has 7 tab-separated"),
        (199, lambda line: line.rpartition("\t")[0], "line 203 has 158 tab-separated"),
        (170, lambda line: line.replace("\tAC\t", "\t.\t"), "line 174: POS is 171, REF None"),
        (120, lambda line: line + "\x00", "line 124 is not text"),
    ],
)
def test_a_fault_is_named_by_its_line(tmp_path: Path, row: int, change: Callable[[str], str], said: str):
    lines = lines_of(200)
    lines[row] = change(lines[row])
    with pytest.raises(DataError, match=said):
        data.read_vcf(written(tmp_path, lines, "bgzip")).collect()
