"""Words of bits: read from bytes, counted and searched, one machine instruction each."""

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


@intrinsic
def _word_at(typingctx: Any, data: Any, at: Any) -> Any:
    """Return the eight bytes of a one-dimensional array of bytes from a place on, the first lowest; not checked."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        content = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = context.cast(builder, arguments[1], signature.args[1], types.intp)
        word = builder.bitcast(builder.gep(content, [place]), ir.IntType(64).as_pointer())
        return builder.load(word, align=1)

    return types.uint64(data, at), generate


# the names compiled code calls: without numba's own argument, which type checkers take for one of theirs
set_bits: Any = _set_bits
lowest_bit: Any = _lowest_bit
word_at: Any = _word_at
