"""Eight float64 side by side, added as vector instructions: what compilers do not see in short loops by themselves."""

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy import ndarray

from biolab.core.arrays import Float

LANES: Final = 8
_ROW = ir.VectorType(ir.DoubleType(), LANES)
_ALIGN: Final = 8  # bytes: rows start at any float64


def aligned_zeros(size: int) -> Float[ndarray, " size"]:
    """Return zeros that begin where a cache line does: a row across two lines is loaded twice.

    >>> aligned_zeros(3).ctypes.data % 64
    0
    """
    room = np.zeros(size + LANES)
    start = (-(room.ctypes.data // 8)) % LANES
    return room[start : start + size]


work_room = njit(cache=True, nogil=True)(aligned_zeros)


def _row(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Point to the eight numbers of a one-dimensional array that begin at a place."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), _ROW.as_pointer())


def _sum_of_rows(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    table, places = signature.args[2], cgutils.unpack_tuple(builder, arguments[3])
    rows = [
        builder.load(
            _row(context, builder, table, arguments[2], context.cast(builder, place, kind, types.intp)), align=_ALIGN
        )
        for place, kind in zip(places, signature.args[3], strict=True)
    ]
    total = rows[0]
    for row in rows[1:]:
        total = builder.fadd(total, row)
    return total


@intrinsic
def _add_rows(typingctx: Any, total: Any, at: Any, table: Any, places: Any) -> Any:
    """total[at : at + 8] += sum over p in places of table[p : p + 8]; float64 vectors, nothing is checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at_place = context.cast(builder, arguments[1], signature.args[1], types.intp)
        target = _row(context, builder, signature.args[0], arguments[0], at_place)
        added = builder.fadd(builder.load(target, align=_ALIGN), _sum_of_rows(context, builder, signature, arguments))
        builder.store(added, target, align=_ALIGN)
        return context.get_dummy_value()

    return types.void(total, at, table, places), generate


@intrinsic
def _put_rows(typingctx: Any, total: Any, at: Any, table: Any, places: Any) -> Any:
    """total[at : at + 8] = sum over p in places of table[p : p + 8]; float64 vectors, nothing is checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        at_place = context.cast(builder, arguments[1], signature.args[1], types.intp)
        target = _row(context, builder, signature.args[0], arguments[0], at_place)
        builder.store(_sum_of_rows(context, builder, signature, arguments), target, align=_ALIGN)
        return context.get_dummy_value()

    return types.void(total, at, table, places), generate


# the names compiled code calls: without numba's own argument, which type checkers take for one of theirs
add_rows: Any = _add_rows
put_rows: Any = _put_rows
