"""Genotypes of a VCF file as dosages: a tidy frame, or blocks of a matrix."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from biolab.core import ConfigError, DataError
from biolab.core.arrays import Bool, Float, Int, UInt

from .lazy_source import lazy_source
from .tabbed import data_lines, line_of, ragged
from .text_blocks import LineBlock
from .vcf import site_frame
from .vcf_format import format_columns, format_schema
from .vcf_header import VcfHeader, vcf_blocks

Haploid = Literal["refuse", "count", "double"]
GENOTYPES: Final = {
    "chromosome": pl.String,
    "start": pl.Int64,
    "variant_id": pl.String,
    "reference": pl.String,
    "alternate": pl.String,
    "sample": pl.String,
    "dosage": pl.Int8,
}
_VARIANT: Final = tuple(GENOTYPES)[:5]
_FIXED: Final = 9
_TAB, _NEWLINE, _ZERO, _DOT, _SLASH, _BAR, _COLON = b"\t\n0./|:"
_MISSING, _NONE = -1, -2
_BEYOND: Final = 1 << 14  # alleles of a site are fewer
_LARGEST: Final = 1 << 22


def _halves(letters: bytes, after: bytes) -> Int[np.ndarray, " h"]:
    """Tabulate the allele that two bytes stand for, read as one number: a digit or dot, and what may follow it."""
    table = np.full(1 << 16, _NONE, dtype=np.int8)
    for value, letter in zip((_MISSING, *range(10)), letters, strict=True):
        for follower in after:
            table[int.from_bytes(bytes([letter, follower]), sys.byteorder)] = value
    return table


_CALLED: Final = b".0123456789"
_FIRST_HALF: Final = _halves(_CALLED, b"/|")
_SECOND_HALF: Final = _halves(_CALLED, b"\t\n")
_DIGITS: Final = np.full(256, _NONE, dtype=np.int8)
_DIGITS[list(_CALLED)] = (_MISSING, *range(10))


@dataclass(frozen=True, kw_only=True, eq=False)
class DosageBlock:
    """Some variants and the dosages of their alternate alleles, NaN where missing.

    A site with several alternate alleles has a row for each of them.
    """

    variants: pl.DataFrame
    samples: tuple[str, ...]
    dosage: Float[np.ndarray, "m n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Alleles:
    """The two alleles of each call as numbers; -1 is missing, ``ploidy`` counts what was written."""

    first: Int[np.ndarray, "v n"]
    second: Int[np.ndarray, "v n"]
    ploidy: Int[np.ndarray, "v n"]


@dataclass(frozen=True, kw_only=True, eq=False)
class CallBlock:
    """Calls of some records as dosages, and what was asked for beside them.

    ``record`` is the record of each row of the dosages, ``ploidy`` how many alleles each call of a record has, and
    ``fields`` a frame with a row a record and sample.
    """

    dosages: DosageBlock
    record: Int[np.ndarray, " m"]
    ploidy: Int[np.ndarray, "v n"]
    fields: pl.DataFrame


def read_vcf_genotypes(
    path: str | Path,
    *,
    samples: Sequence[str] | None = None,
    haploid: Haploid = "refuse",
    format: Sequence[str] = (),
) -> pl.LazyFrame:
    """Read the genotypes of a VCF or BCF file, plain, gzip or bgzip: one row a variant and sample.

    Columns: ``chromosome``, ``start`` (0-based), ``variant_id``, ``reference``, ``alternate``, ``sample``, ``dosage``:
    how many of the two alleles are ``alternate``; null if an allele is missing. A site with several alternate alleles
    gives a variant for each. ``haploid`` says what a call of one allele is among diploid ones (a man's X chromosome):
    an error, one allele counted as it is, or one counted twice. A record without GT is null throughout.

    ``format`` names fields of FORMAT to read beside the calls (DP, GQ, AD, DS, GP...): columns ``format_<KEY>`` of the
    type that the header declares, a list where there can be several values, those of the whole record where its
    alternate alleles have rows of their own. A dot is null, and so is a field that the record or sample lacks. GT
    itself, as text, tells the phase.

    Raises
    ------
    DataError
        If the file is missing, has no VCF header or no samples; as `read_vcf`, and if a genotype
        cannot be read, has another number of alleles, or does not stand first in FORMAT, or a field is not of its
        declared type; with file, line, sample and value.
    ConfigError
        If a sample is not in the file, the header does not declare a key of ``format``, or ``haploid`` is none of
        these.
    """
    file, chosen = Path(path), None if samples is None else tuple(samples)
    header = vcf_with_samples(file, chosen, haploid)
    header.require("FORMAT", format, file)
    keys = {f"format_{key}": key for key in format}
    names = [header.samples[k] for k in header.sample_places(chosen, file)]

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        wanted = {name: key for name, key in keys.items() if name in columns}
        for block in call_blocks(file, chosen, haploid, wanted):
            step = max(1, _LARGEST // max(1, len(names)))
            for begin in range(0, block.record.size, step):
                part = slice(begin, begin + step)
                frame = _tidy(block.dosages, part, names, columns)
                if wanted:
                    rows = block.record[part, None] * len(names) + np.arange(len(names))
                    frame = frame.hstack(block.fields[rows.ravel()])
                yield frame

    return lazy_source(GENOTYPES | format_schema(header, keys), batches, path=file)


def _tidy(block: DosageBlock, part: slice, names: list[str], columns: Sequence[str]) -> pl.DataFrame:
    """Return a row a variant and sample of a part of a block, with the columns wanted or, without any, the dosage."""
    variants = block.variants[part]
    rows = np.repeat(np.arange(variants.height, dtype=np.uint32), len(names))
    kept = [name for name in _VARIANT if name in columns]
    made = list(variants.select(kept)[rows]) if kept else []
    if "sample" in columns:
        codes = np.tile(np.arange(len(names), dtype=np.uint32), variants.height)
        made.append(pl.Series("sample", names, dtype=pl.String).gather(codes))
    if "dosage" in columns or not made:
        made.append(pl.Series("dosage", block.dosage[part].ravel(), nan_to_null=True).cast(pl.Int8))
    return pl.DataFrame(made)


def read_vcf_dosages(
    path: str | Path, *, samples: Sequence[str] | None = None, haploid: Haploid = "refuse"
) -> Iterator[DosageBlock]:
    """Yield the genotypes of a VCF or BCF file as blocks of a matrix, variants by samples, some megabytes of text each.

    The rules are those of `read_vcf_genotypes`.

    Raises
    ------
    DataError
        As `read_vcf_genotypes`.
    ConfigError
        As `read_vcf_genotypes`.
    """
    file, chosen = Path(path), None if samples is None else tuple(samples)
    vcf_with_samples(file, chosen, haploid)
    for found in call_blocks(file, chosen, haploid, {}):
        yield found.dosages


def vcf_with_samples(path: Path, samples: tuple[str, ...] | None, haploid: str) -> VcfHeader:
    """Return the header of a VCF that has samples, these among them.

    Raises
    ------
    DataError
        If the file is missing, has no VCF header or no samples.
    ConfigError
        If it lacks a sample, or ``haploid`` is none of `Haploid`.
    """
    if haploid not in get_args(Haploid):
        raise ConfigError(f"haploid is {haploid!r}; expected one of {', '.join(get_args(Haploid))}.")
    header, _ = vcf_blocks(path)
    header.sample_places(samples, path)
    if not header.samples:
        raise DataError(f"{path} has no samples, sites only; read it with read_vcf.")
    return header


def call_blocks(
    path: Path, samples: tuple[str, ...] | None, haploid: Haploid, keys: Mapping[str, str]
) -> Iterator[CallBlock]:
    """Yield calls block by block with the fields of FORMAT under ``keys`` (column: key).

    Raises
    ------
    DataError
        As `read_vcf_genotypes`.
    """
    header, blocks = vcf_blocks(path, formats=set(keys.values()))
    places = np.array(header.sample_places(samples, path), dtype=np.int64)
    names = tuple(header.samples[k] for k in places)
    for block in blocks:
        if data_lines(block).data:
            sites = site_frame(block, header, path, columns=[*_VARIANT], keys={})
            calls = _read_calls(block, header, path, places)
            _refuse_ploidy(calls, block, header, path, places, haploid)
            _refuse_absent_alleles(calls, sites, block, path, names)
            fields = format_columns(block, header, path, keys, places) if keys else pl.DataFrame()
            found, record = _counted(calls, sites, names, haploid)
            yield CallBlock(dosages=found, record=record, ploidy=calls.ploidy, fields=fields)


def _read_calls(block: LineBlock, header: VcfHeader, path: Path, places: Int[np.ndarray, " n"]) -> _Alleles:
    """Read all calls of a block: lines of plain diploid calls at once, the others by the places of their tabs."""
    lines = data_lines(block)
    data, begins, ends = lines.letters, lines.starts, lines.ends
    plain, calls = _plain_calls(data, begins, ends, len(header.samples), places)
    if plain.all():
        return calls
    rest = np.flatnonzero(~plain)
    text = b"".join(data[begins[k] : ends[k] + 1].tobytes() for k in rest.tolist())
    some = np.frombuffer(text, dtype=np.uint8)
    starts = _field_starts(some, block, header, path)
    begin = starts[:, 0]
    typed = (some[begin] == ord("G")) & (some[begin + 1] == ord("T"))
    typed &= np.isin(some[begin + 2], np.array([_COLON, _TAB], dtype=np.uint8))
    _refuse_late_calls(lines, rest[~typed], block, path)
    others = _alleles(some, starts[:, 1:][:, places], typed)
    merged = [np.empty(calls.first.shape, dtype=np.int16) for _ in range(2)]
    ploidy = calls.ploidy.copy()
    for into, mine, other in zip(merged, (calls.first, calls.second), (others.first, others.second), strict=True):
        into[...] = mine
        into[rest] = other
    ploidy[rest] = others.ploidy
    return _Alleles(first=merged[0], second=merged[1], ploidy=ploidy)


def _refuse_late_calls(lines: LineBlock, rows: Int[np.ndarray, " r"], block: LineBlock, path: Path) -> None:
    """Refuse GT after other fields, which the format forbids: the calls would be taken for none."""
    for row in rows.tolist():
        shown = lines.data[lines.starts[row] : lines.ends[row]].split(b"\t", _FIXED)[_FIXED - 1].decode()
        if "GT" in shown.split(":"):
            raise DataError(
                f"{path}, line {line_of(block, row)}: FORMAT is {shown!r}; GT, where there is one, must stand first. "
                "Write the file anew with the tool that made it, or move GT to the front."
            )


def _plain_calls(
    data: UInt[np.ndarray, " b"],
    begins: Int[np.ndarray, " v"],
    ends: Int[np.ndarray, " v"],
    samples: int,
    places: Int[np.ndarray, " n"],
) -> tuple[Bool[np.ndarray, " v"], _Alleles]:
    """Read lines whose FORMAT is GT and whose calls all have three letters, such as 0|1: four bytes a sample."""
    width = 4 * samples
    at = np.maximum(ends - width + 1, 0)
    plain = ends - width - 3 > begins
    for back, letter in ((4, _TAB), (3, ord("G")), (2, ord("T")), (1, _TAB)):
        plain &= data[np.maximum(at - back, 0)] == letter
    first = np.full((ends.size, places.size), _MISSING, dtype=np.int8)
    second, ploidy = first.copy(), np.full(first.shape, 2, dtype=np.int8)
    if plain.any():
        words = sliding_window_view(data, width)[at[plain]].view(np.uint16).reshape(-1, samples, 2)
        if places.size < samples or (np.diff(places) != 1).any():
            words = words[:, places]
        one, two = _FIRST_HALF[words[..., 0]], _SECOND_HALF[words[..., 1]]
        good = (one.min(axis=1) >= _MISSING) & (two.min(axis=1) >= _MISSING)
        plain[plain] = good
        first[plain], second[plain] = (one, two) if good.all() else (one[good], two[good])
    return plain, _Alleles(first=first, second=second, ploidy=ploidy)


def _field_starts(
    data: UInt[np.ndarray, " b"], block: LineBlock, header: VcfHeader, path: Path
) -> Int[np.ndarray, "v s"]:
    """Return where FORMAT and each sample's field begin, having checked that no line lacks or exceeds them."""
    tabs = np.flatnonzero(data == _TAB)
    ends = np.flatnonzero(data == _NEWLINE)
    inner = header.width - 1
    if tabs.size != ends.size * inner:
        raise ragged(block, path=path, width=header.width)
    by_line = tabs.reshape(ends.size, inner)
    if (by_line[:, -1] > ends).any() or (by_line[1:, 0] < ends[:-1]).any():
        raise ragged(block, path=path, width=header.width)
    return by_line[:, _FIXED - 2 :] + 1


def _alleles(data: UInt[np.ndarray, " b"], at: Int[np.ndarray, "v n"], typed: Bool[np.ndarray, " v"]) -> _Alleles:
    """Read calls of one or two single-digit alleles at once, and the rest (more alleles, more digits) one by one."""
    padded = np.concatenate([data, np.full(4, _NEWLINE, dtype=np.uint8)])
    one, two, three, four = (padded[k:][at] for k in range(4))
    simple = (two == _SLASH) | (two == _BAR)
    single = _ends(two)
    first = _DIGITS[one].astype(np.int16)
    second = np.where(simple, _DIGITS[three], first)
    ploidy = np.where(single, 1, 2).astype(np.int8)
    whole = single | (simple & _ends(four) & (second >= _MISSING))
    for row, column in np.argwhere(typed[:, None] & ~((first >= _MISSING) & whole)):
        found = _one_call(data, int(at[row, column]))
        ploidy[row, column] = len(found)
        first[row, column], second[row, column] = (*found, *found)[:2] if found else (_NONE, _NONE)
    missing = ~typed
    first[missing], second[missing], ploidy[missing] = _MISSING, _MISSING, 2
    return _Alleles(first=first, second=second, ploidy=ploidy)


def _ends(letter: UInt[np.ndarray, "v n"]) -> Bool[np.ndarray, "v n"]:
    return (letter == _TAB) | (letter == _COLON) | (letter == _NEWLINE)


def _one_call(data: UInt[np.ndarray, " b"], at: int) -> list[int]:
    """Read one call; nothing if it is none."""
    text = data[at : at + 64].tobytes()
    for end in b"\t:\n":
        text = text.split(bytes([end]), 1)[0]
    parts = text.replace(b"|", b"/").split(b"/")
    if not all(part == b"." or part.isdigit() for part in parts):
        return []
    return [_MISSING if part == b"." else min(int(part), _BEYOND) for part in parts]


def _refuse_ploidy(
    calls: _Alleles, block: LineBlock, header: VcfHeader, path: Path, places: Int[np.ndarray, " n"], haploid: Haploid
) -> None:
    half_missing = (calls.ploidy == 1) & (calls.first == _MISSING)  # a lone dot stands for any ploidy
    wrong = (calls.ploidy != 2) & ~half_missing
    if haploid != "refuse":
        wrong &= calls.ploidy != 1
    wrong |= (calls.first == _NONE) | (calls.second == _NONE)
    if not wrong.any():
        return
    row, column = (int(k) for k in np.argwhere(wrong)[0])
    line = line_of(block, row)
    place = int(places[column])
    content = block.data.split(b"\n")[line - block.first_line].split(b"\t")
    call = content[_FIXED + place].split(b":")[0].decode()
    where = f"{path}, line {line} ({content[0].decode()}:{content[1].decode()}), sample {header.samples[place]!r}"
    if calls.ploidy[row, column] == 1:
        raise DataError(
            f"{where}: genotype {call!r} has one allele where two are expected. Choose what it means with "
            'haploid="count" (0 or 1) or haploid="double" (0 or 2).'
        )
    if _NONE in (calls.first[row, column], calls.second[row, column]):
        raise DataError(f"{where}: {call!r} is not a genotype; expected two alleles such as 0/1, 0|1 or ./.")
    raise DataError(
        f"{where}: genotype {call!r} has {calls.ploidy[row, column]} alleles where two are expected; dosages are of "
        "diploid calls. Leave the sample out with samples=."
    )


def _refuse_absent_alleles(
    calls: _Alleles, sites: pl.DataFrame, block: LineBlock, path: Path, names: tuple[str, ...]
) -> None:
    highest = np.maximum(calls.first.max(axis=1, initial=0), calls.second.max(axis=1, initial=0))
    beyond = np.flatnonzero(highest > sites["alternate"].list.len().to_numpy())
    if not beyond.size:
        return
    row = int(beyond[0])
    column = int(np.argmax(np.maximum(calls.first[row], calls.second[row])))
    site = sites.row(row, named=True)
    raise DataError(
        f"{path}, line {line_of(block, row)} ({site['chromosome']}:{site['start'] + 1}), sample {names[column]!r}: the "
        f"genotype names an allele past the {len(site['alternate'])} alternate one(s) of its site."
    )


def _counted(
    calls: _Alleles, sites: pl.DataFrame, samples: tuple[str, ...], haploid: Haploid
) -> tuple[DosageBlock, Int[np.ndarray, " m"]]:
    """Count alternate alleles; return with the dosages of each the record that it is of."""
    alternates = sites["alternate"].list.len().to_numpy()
    site = np.repeat(np.arange(sites.height), alternates)
    if site.size and (alternates == 1).all():
        first, second, ploidy, allele = calls.first, calls.second, calls.ploidy, np.int8(1)
    else:
        first, second, ploidy = (values[site] for values in (calls.first, calls.second, calls.ploidy))
        allele = (np.arange(site.size) - np.repeat(np.cumsum(alternates) - alternates, alternates) + 1)[:, None]
    copies = (first == allele).view(np.int8) + (second == allele).view(np.int8)
    if haploid == "count":
        copies = np.where(ploidy == 1, copies // 2, copies)
    dosage = copies.astype(np.float32)
    dosage[(first == _MISSING) | (second == _MISSING)] = np.nan
    named = pl.Series("allele", np.broadcast_to(np.asarray(allele).ravel() - 1, site.shape), dtype=pl.Int64)
    variants = sites.select(_VARIANT)[site].with_columns(pl.col("alternate").list.get(pl.lit(named)))
    return DosageBlock(variants=variants, samples=samples, dosage=dosage), site
