"""Rows of a run's work memory, as compiled code sees them."""

from typing import Any

from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from .layout import WIDTH


@intrinsic
def _row_of(_typing: Any, work: types.Array, number: types.Integer) -> tuple[Any, Any]:
    """Return row ``number`` of flat work memory, unchecked.

    Where a row begins is known to the compiler as a distance from the memory's start, unlike the strides of a table:
    it then sees that rows do not overlap, keeps numbers in registers and handles four states at a time.
    """
    view = types.Array(types.float64, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = make_array(signature.args[0])(context, builder, arguments[0])
        width = context.get_constant(types.intp, WIDTH)
        found = make_array(view)(context, builder)
        start = builder.mul(arguments[1], width)
        size = context.get_constant(types.intp, 8)
        data = builder.gep(source.data, [start])
        populate_array(found, data=data, shape=[width], strides=[size], itemsize=size, meminfo=None, parent=None)
        return found._getvalue()

    return view(work, types.intp), generate


# as compiled code calls it; type checkers know intrinsics by the functions that write them
row_of: Any = _row_of
