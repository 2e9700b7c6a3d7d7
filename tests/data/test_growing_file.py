"""Files that appear when they are whole, packed as bgzip: unpacked by gzip and by Biopython's reader of blocks."""

import gzip
import zlib

import numpy as np
import pytest
from Bio import bgzf

from biolab.core import BiolabError
from biolab.data import growing_file as module
from biolab.data.growing_file import growing_file
from biolab.data.text_blocks import byte_blocks, compression_of

TEXT = b"".join(b"line %d of many\n" % k for k in range(300_000))
CONTENTS = {"nothing": b"", "letter": b"A", "text": TEXT, "noise": np.random.default_rng(0).bytes(3_000_000)}


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("engine", ["found", "zlib"])
def test_blocks_are_read_by_others_and_give_the_content_back(tmp_path, monkeypatch, quick, name, engine):
    if engine == "zlib":
        monkeypatch.setattr(module, "ZLIB", zlib)
    content, path, made = CONTENTS[name], tmp_path / "x.gz", []
    for _ in range(2):
        with growing_file(path, quick=quick) as handle:
            for start in range(0, len(content), 70_001):
                handle.write(memoryview(content)[start : start + 70_001])
        made.append(path.read_bytes())
    packed, again = made
    assert packed == again
    assert gzip.decompress(packed) == content
    assert compression_of(path) == "bgzip"
    assert b"".join(byte_blocks(path)) == content
    second = int.from_bytes(packed[16:18], "little") + 1
    with bgzf.BgzfReader(str(path), "rb") as reader:
        assert reader.read(len(content) + 1) == content
        if len(content) > 200_000:
            reader.seek(bgzf.make_virtual_offset(second, 7))
            assert reader.read(20) == content[module._BLOCK + 7 : module._BLOCK + 27]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("in the middle"), "in the middle"),
        (OSError(28, "No space left on device"), r"x\.gz cannot be written: No space left"),
    ],
)
def test_after_an_error_the_file_is_what_it_was(tmp_path, error, told):
    path = tmp_path / "x.gz"
    path.write_bytes(b"before")
    with pytest.raises((RuntimeError, BiolabError), match=told):
        _write_and_fail(path, error)
    assert path.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.gz"]


def _write_and_fail(path, error):
    with growing_file(path) as handle:
        handle.write(TEXT)
        raise error


def test_what_is_packed_small_is_smaller(tmp_path):
    sizes = []
    for quick in (False, True):
        with growing_file(tmp_path / "x.gz", quick=quick) as handle:
            handle.write(TEXT)
        sizes.append((tmp_path / "x.gz").stat().st_size)
    assert sizes[0] < sizes[1] < len(TEXT) / 3
