"""Imputed dosages of a .pgen: whether a file has some, and blocks of them."""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError, did_you_mean

from .pgen import open_pgen, read_psam, read_pvar
from .plink import VariantIds
from .vcf_genotypes import DosageBlock

_HEADER: Final = struct.Struct("<3xIIB")
_ONLY_DOSAGES: Final = (0x03, 0x04)
_BY_VARIANT: Final = 0x10
_VARIANTS: Final = 1 << 16  # of a block of the header
_DOSAGE_BITS: Final = 0x60
_NUMBERS: Final = 1 << 22


def holds_dosages(path: str | Path) -> bool:
    """Say whether a .pgen has dosages beside its hard calls, from its header, where each variant's kind stands."""
    with Path(path).open("rb") as handle:
        head = handle.read(_HEADER.size)
        if len(head) < _HEADER.size or head[2] in _ONLY_DOSAGES:
            return len(head) == _HEADER.size
        variants, _, control = _HEADER.unpack(head)
        if head[2] != _BY_VARIANT or not 4 <= control & 15 < 8:  # four bits a variant have no room for dosages
            return False
        handle.seek(8 * -(-variants // _VARIANTS), 1)
        for start in range(0, variants, _VARIANTS):
            many = min(_VARIANTS, variants - start)
            if (np.frombuffer(handle.read(many), dtype=np.uint8) & _DOSAGE_BITS).any():
                return True
            flags = -(-many // 8) if control >> 6 == 3 else 0
            handle.seek(many * ((control & 3) + 1 + (control >> 4 & 3)) + flags, 1)
    return False


def read_pgen_dosages(
    prefix: str | Path, *, samples: Sequence[str] | None = None, variant_ids: VariantIds = "file"
) -> Iterator[DosageBlock]:
    """Yield the dosages of ALT of NAME.pgen, given NAME, as blocks of a matrix, variants by samples, 16 MB each.

    They are what was imputed where the file says so, elsewhere the hard calls; NaN where there is neither. Samples are
    named by iid, in the order given.

    Raises
    ------
    DataError
        If a file is missing or malformed, or does not fit the others; or if iid repeat.
    ConfigError
        If there is no such sample.
    MissingExtraError
        If pgenlib is not installed.
    """
    bare = Path(prefix).with_suffix("") if Path(prefix).suffix == ".pgen" else Path(prefix)
    variants = read_pvar(f"{bare}.pvar", variant_ids=variant_ids)
    names = read_psam(f"{bare}.psam")["iid"].to_list()
    place = {name: k for k, name in enumerate(names)}
    if len(place) < len(names):
        raise DataError(f"{bare}.psam: names of samples (iid) repeat between families; rename them.")
    for name in samples or ():
        if name not in place:
            raise ConfigError(f"{bare}.psam has no sample {name!r}. {did_you_mean(name, names)}")
    chosen = tuple(names if samples is None else samples)
    rows = np.array([place[name] for name in chosen], dtype=np.int64)
    file = open_pgen(f"{bare}.pgen", samples=len(names), variants=variants.height)
    sites = variants.select(
        "chromosome", start=pl.col("position") - 1, variant_id="variant_id", reference="other_allele",
        alternate="effect_allele",
    )  # fmt: skip
    step = max(1, _NUMBERS // len(names))
    for start in range(0, sites.height, step):
        dosage = file.dosages(start, min(start + step, sites.height))
        yield DosageBlock(
            variants=sites[start : start + step],
            samples=chosen,
            dosage=dosage if samples is None else dosage[:, rows],
        )
