"""The header of a VCF or BCF file: its samples, and the type of each INFO and FORMAT field."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Literal

import polars as pl
from polars.datatypes import DataTypeClass

from biolab.core import ConfigError, DataError, did_you_mean

from .bcf import bcf_text, is_bcf
from .leading_fields import leading_blocks
from .text_blocks import LineBlock, line_blocks
from .vcf_values import Kind

FIXED: Final = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_DECLARED: Final = re.compile(r"^##(INFO|FORMAT)=<(.*)>$")
_KEY: Final = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]*)')
_KINDS: Final[Mapping[str, DataTypeClass]] = {
    "Integer": pl.Int64,
    "Float": pl.Float64,
    "String": pl.String,
    "Character": pl.String,
    "Flag": pl.Boolean,
}


@dataclass(frozen=True, kw_only=True)
class VcfHeader:
    """What the lines before the first record say; ``lines`` is how many they are."""

    samples: tuple[str, ...]
    info: Mapping[str, Kind]
    format: Mapping[str, Kind]
    text: str
    lines: int

    @property
    def width(self) -> int:
        """Number of fields of a record."""
        return len(FIXED) + (1 + len(self.samples) if self.samples else 0)

    def require(self, field: Literal["INFO", "FORMAT"], keys: Collection[str], path: Path) -> None:
        """Refuse keys that the header does not declare.

        Raises
        ------
        ConfigError
            Names the first of them.
        """
        declared = self.info if field == "INFO" else self.format
        for key in keys:
            if key not in declared:
                raise ConfigError(f"{path} declares no {field} field {key!r}. {did_you_mean(key, declared)}")

    def sample_places(self, names: tuple[str, ...] | None, path: Path) -> list[int]:
        """Return where samples stand, all of them or those named, in the order asked for.

        Raises
        ------
        ConfigError
            If a name is not a sample of the file, or stands twice.
        """
        if names is None:
            return list(range(len(self.samples)))
        if len(set(names)) < len(names):
            twice = next(name for k, name in enumerate(names) if name in names[:k])
            raise ConfigError(f"Sample {twice!r} is asked for twice; name each one once.")
        place = {name: k for k, name in enumerate(self.samples)}
        for name in names:
            if name not in place:
                raise ConfigError(f"{path} has no sample {name!r}. {did_you_mean(name, self.samples)}")
        return [place[name] for name in names]


def vcf_blocks(
    path: Path, *, formats: Collection[str] | None = (), leading: int | None = None
) -> tuple[VcfHeader, Iterator[LineBlock]]:
    """Read the header of a VCF or BCF file and return it with the blocks of its records, as lines of VCF.

    Lines made of BCF have GT and the keys ``formats`` of FORMAT (None: all), those of VCF are as they stand; where
    no more than so many ``leading`` fields are asked for, blocks of long lines are cut to them.

    Raises
    ------
    DataError
        If the file does not begin with ##fileformat=VCF, has no #CHROM line, or names a sample twice.
    """
    if is_bcf(path):
        text, records = bcf_text(path, formats=formats)
        return parse_header(text, path), records
    blocks = line_blocks(path)
    held: list[bytes] = []
    for block in blocks:
        data = block.data
        if not held and not data.startswith(b"##fileformat=VCF"):
            first = data.partition(b"\n")[0][:40].decode(errors="replace")
            raise DataError(f"{path} begins with {first!r}; a VCF file begins with '##fileformat=VCF'.")
        at = 0 if data.startswith(b"#CHROM") else data.find(b"\n#CHROM") + 1
        if at or data.startswith(b"#CHROM"):
            end = data.index(b"\n", at) + 1
            text = b"".join([*held, data[:end]]).decode()
            header = parse_header(text, path)
            if leading is not None and header.width > len(FIXED):
                blocks = leading_blocks(path, fields=leading, width=header.width, after=header.lines)
                return header, _one_header(blocks, path)
            rest = LineBlock(data=data[end:], first_line=header.lines + 1)
            return header, _one_header(chain([rest] if rest.data else [], blocks), path)
        held.append(data)
    raise DataError(f"{path} has no line that begins with #CHROM; the file may be truncated, copy it again.")


def _one_header(blocks: Iterator[LineBlock], path: Path) -> Iterator[LineBlock]:
    """Yield blocks as they are, and refuse a second header: its samples may be others."""
    for block in blocks:
        at = 0 if block.data.startswith(b"#CHROM") else block.data.find(b"\n#CHROM") + 1
        if at or block.data.startswith(b"#CHROM"):
            line = block.first_line + block.data.count(b"\n", 0, at)
            raise DataError(
                f"{path}, line {line}: a second #CHROM line; two VCF files stand one after the other. Join them with "
                "bcftools concat (same samples) or bcftools merge (others)."
            )
        yield block


def parse_header(text: str, path: Path) -> VcfHeader:
    """Parse the header's text.

    Raises
    ------
    DataError
        As `vcf_blocks`.
    """
    lines = text.rstrip("\n").split("\n")
    names = lines[-1].split("\t")
    if tuple(names[: len(FIXED)]) != FIXED or (len(names) > len(FIXED) and names[len(FIXED)] != "FORMAT"):
        raise DataError(
            f"{path}, line {len(lines)}: the columns are {', '.join(names[:9])}; expected {', '.join(FIXED)} and, if "
            "there are samples, FORMAT, parted by tabs."
        )
    samples = tuple(names[len(FIXED) + 1 :])
    if len(set(samples)) < len(samples):
        twice = next(name for k, name in enumerate(samples) if name in samples[:k])
        raise DataError(f"{path}, line {len(lines)}: two samples are called {twice!r}. Rename one.")
    declared: dict[str, dict[str, Kind]] = {"INFO": {}, "FORMAT": {}}
    for line in lines:
        if found := _DECLARED.match(line):
            keys = dict(_KEY.findall(found[2]))
            kind = _KINDS.get(keys.get("Type", ""), pl.String)
            single = keys.get("Number") == "1" or kind == pl.Boolean
            declared[found[1]][keys.get("ID", "")] = kind if single else pl.List(kind)
    return VcfHeader(samples=samples, info=declared["INFO"], format=declared["FORMAT"], text=text, lines=len(lines))
