"""Counting and finding set bits: one machine instruction each."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def _set_bits(typingctx: Any, word: Any) -> Any:
    """Return how many bits of an unsigned 64-bit word are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def _lowest_bit(typingctx: Any, word: Any) -> Any:
    """Return the place of the lowest set bit of an unsigned 64-bit word; 64 if there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


# the names compiled code calls: without numba's own argument, which type checkers take for one of theirs
set_bits: Any = _set_bits
lowest_bit: Any = _lowest_bit
