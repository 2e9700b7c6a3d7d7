"""Atoms of macromolecular structures from PDB and mmCIF files, through Biopython."""

import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biolab.core import DataError

from .lazy_source import lazy_source
from .text_blocks import line_blocks

if TYPE_CHECKING:
    from Bio.PDB.Structure import Structure

ATOMS: Final = {
    "model": pl.Int64,
    "chain": pl.String,
    "residue_number": pl.Int64,
    "insertion_code": pl.String,
    "residue": pl.String,
    "hetero": pl.Boolean,
    "atom": pl.String,
    "alternate_location": pl.String,
    "element": pl.String,
    "x": pl.Float64,
    "y": pl.Float64,
    "z": pl.Float64,
    "occupancy": pl.Float64,
    "b_factor": pl.Float64,
}


def read_structure(path: str | Path) -> pl.LazyFrame:
    """Read a PDB or mmCIF file, plain or gzip: one row an atom; which of the two is seen from the content.

    Columns: ``model`` (from 1), ``chain`` (of mmCIF the author's), ``residue_number`` (the author's),
    ``insertion_code``, ``residue`` (three letters), ``hetero`` (ligands and water), ``atom``, ``alternate_location``
    (all of them are rows), ``element``, ``x``, ``y``, ``z`` (in angstrom), ``occupancy``, ``b_factor``. A structure is
    held in memory whole, about 1 kB an atom.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged, neither PDB nor mmCIF, holds no atom, or an atom cannot
        be parsed or stands twice; with file and what Biopython says of the line.
    """
    file = Path(path)

    def batches(columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        del columns  # a structure is parsed whole
        yield pl.DataFrame(list(_rows(_structure(file))), schema=ATOMS, orient="row")

    return lazy_source(ATOMS, batches, path=file)


def _structure(path: Path) -> "Structure":
    from Bio.PDB.MMCIFParser import MMCIFParser
    from Bio.PDB.PDBExceptions import PDBConstructionException, PDBConstructionWarning
    from Bio.PDB.PDBParser import PDBParser

    text = b"".join(block.data for block in line_blocks(path)).decode()
    kind = _kind(text, path)
    parser = MMCIFParser(QUIET=True) if kind == "mmCIF" else PDBParser(PERMISSIVE=False, QUIET=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PDBConstructionWarning)  # a chain in pieces is no fault
            found = parser.get_structure(path.stem, io.StringIO(text))
    except (
        PDBConstructionException,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        ArithmeticError,
    ) as error:
        said = f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{path} cannot be read as {kind}: {said}. The file may be truncated.") from error
    if found is None or not any(True for _ in found.get_atoms()):
        raise DataError(f"{path} is {kind} without a single atom; the file may be truncated.")
    return found


def _kind(text: str, path: Path) -> str:
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    if lines and lines[0].startswith("data_"):
        return "mmCIF"
    if any(line.startswith(("ATOM  ", "HETATM", "HEADER", "CRYST1", "MODEL ")) for line in lines):
        return "PDB"
    first = lines[0][:40] if lines else ""
    raise DataError(f"{path} begins with {first!r}; expected PDB (HEADER, ATOM) or mmCIF (data_...).")


def _rows(structure: "Structure") -> Iterator[tuple[Any, ...]]:
    for number, model in enumerate(structure, 1):
        for chain in model:
            for residue in chain.get_unpacked_list():
                hetero, sequence, insertion = residue.id
                for atom in residue.get_unpacked_list():
                    x, y, z = (float(value) for value in atom.coord)
                    yield (
                        number, chain.id, sequence, insertion.strip() or None, residue.resname.strip(),
                        hetero.strip() != "", atom.name, atom.altloc.strip() or None,
                        (atom.element or "").strip() or None,
                        x, y, z, atom.occupancy, atom.bfactor,
                    )  # fmt: skip
