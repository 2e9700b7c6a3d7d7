"""Some records and samples of a VCF or BCF file as a VCF file, each record as it stood."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biolab.core import ConfigError
from biolab.core.arrays import Int

from .growing_file import growing_file
from .tabbed import data_lines
from .text_blocks import LineBlock
from .vcf import SITES, site_frame
from .vcf_header import FIXED, VcfHeader, vcf_blocks

_FIXED: Final = len(FIXED) + 1


def subset_vcf(
    path: str | Path,
    out: str | Path,
    *,
    samples: Sequence[str] | None = None,
    keep: pl.Expr | None = None,
    info: Sequence[str] = (),
) -> int:
    r"""Write the records that ``keep`` chooses, with the samples named, and return how many; .gz is packed as bgzip.

    ``keep`` is an expression over the columns of `read_vcf`, among them ``info_<KEY>`` for each key of ``info``.
    Genotypes and all other fields of the samples are written as they stand, in the order of ``samples``; without any
    (an empty list) sites alone are written. Counts in INFO, such as AC and AN, are those of the whole file.
    Records of BCF are written as VCF, GT before other fields and numbers to six digits, as bcftools does.

    Raises
    ------
    DataError
        As `read_vcf`.
    ConfigError
        If a sample or a key of ``info`` is unknown, a sample is named twice, ``keep`` is no condition on these columns,
        or ``out`` ends in .bcf.

    Examples
    --------
    >>> import tempfile
    >>> head = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n"
    >>> rows = "1\t7\t.\tA\tG\t9\t.\t.\tGT\t0|1\t1|1\n1\t9\t.\tC\tT\t1\t.\t.\tGT\t0|0\t0|1\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     given, made = Path(folder) / "given.vcf", Path(folder) / "made.vcf"
    ...     _ = given.write_text(head + rows)
    ...     subset_vcf(given, made, samples=["b"], keep=pl.col("quality") > 5), made.read_text().split()[-1]
    (1, '1|1')
    """
    file, made = Path(path), Path(out)
    if made.suffix.lower() == ".bcf":
        raise ConfigError(f"{made} would be VCF named as BCF; call it .vcf.gz, then convert it with bcftools view.")
    header, blocks = vcf_blocks(file, formats=None)
    header.require("INFO", info, file)
    names = None if samples is None else tuple(samples)
    places = None if names is None else np.array(header.sample_places(names, file), dtype=np.int64)
    keys = {f"info_{key}": key for key in info}
    written = 0
    with growing_file(made) as handle:
        handle.write(_header(header, names).encode())
        for block in blocks:
            sites = site_frame(block, header, file, columns=[*SITES, *keys], keys=keys)
            chosen = np.arange(sites.height) if keep is None else _chosen(sites, keep)
            handle.write(_records(block, chosen.astype(np.int64), places))
            written += chosen.size
    return written


def _chosen(sites: pl.DataFrame, keep: pl.Expr) -> Int[np.ndarray, " k"]:
    try:
        return sites.select(keep.arg_true()).to_series().to_numpy()
    except pl.exceptions.PolarsError as error:
        said = str(error).partition("\n")[0]
        raise ConfigError(
            f"keep is no condition on the columns {', '.join(sites.columns)}: {said}. Keys of INFO must stand in info."
        ) from error


def _header(header: VcfHeader, samples: tuple[str, ...] | None) -> str:
    lines = header.text.rstrip("\n").split("\n")
    if samples is not None:
        lines[-1] = "\t".join([*FIXED, *(["FORMAT", *samples] if samples else [])])
    return "\n".join(lines) + "\n"


def _records(block: LineBlock, rows: Int[np.ndarray, " k"], places: Int[np.ndarray, " n"] | None) -> bytes:
    lines = data_lines(block)
    starts, ends = lines.starts[rows].tolist(), lines.ends[rows].tolist()
    texts = [lines.data[start:end] for start, end in zip(starts, ends, strict=True)]
    if places is not None:
        texts = [_with_samples(text, places) for text in texts]
    return b"".join(text + b"\n" for text in texts)


def _with_samples(line: bytes, places: Int[np.ndarray, " n"]) -> bytes:
    fields = line.split(b"\t")
    kept = fields[:_FIXED] if places.size else fields[: _FIXED - 1]
    return b"\t".join([*kept, *(fields[_FIXED + place] for place in places.tolist())])
