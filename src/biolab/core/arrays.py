"""Array types with shapes in the field's words: ``Float[Tensor, " n"]``, ``Bool[ndarray, " n"]``.

They are for readers and type checkers; nothing checks shapes at run time. The kernels must also import where only
numpy, torch, numba and triton are installed; there the names stand for the bare array type.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, UInt
else:
    try:
        from jaxtyping import Bool, Float, Int, UInt
    except ImportError:

        class _Bare:
            def __class_getitem__(cls, item: tuple[type, str]) -> type:
                return item[0]

        Bool = Float = Int = UInt = _Bare

__all__ = ["Bool", "Float", "Int", "UInt"]
