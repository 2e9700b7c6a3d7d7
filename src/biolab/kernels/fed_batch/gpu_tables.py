# ruff: noqa: RUF005 - arguments of a Triton kernel are flat, its tuples grow by addition
"""Rows of a table in registers: one load of 32 columns, cut into one vector a column; and the way back.

A load or store of each column alone costs the compiler more than it costs the device: it looks at all that hangs on
every one of them. One run stands in one thread, so that a cut moves nothing.
"""

import triton
import triton.language as tl

CUT = 32
"""Columns that are loaded or stored at a time."""
_CUT = tl.constexpr(CUT)


@triton.jit
def _apart(tiles):
    low, high = (), ()
    for k in tl.static_range(len(tiles)):
        even, odd = tl.split(tiles[k])
        low, high = low + (even,), high + (odd,)
    return low + high


@triton.jit
def _together(columns):
    joined = ()
    for k in tl.static_range(len(columns) // 2):
        joined = joined + (tl.join(columns[k], columns[k + len(columns) // 2]),)
    return joined


@triton.jit
def _one_tile(table, row, here, WIDTH: tl.constexpr, DTYPE: tl.constexpr, BLOCK: tl.constexpr):
    place = row.to(tl.int64)[:, None] * WIDTH + tl.arange(0, _CUT)[None, :]
    tile = tl.load(table + place, mask=here[:, None], other=1.0).to(DTYPE)
    tile = tl.reshape(tile, [BLOCK, 2, 2, 2, 2, 2])
    return _apart(_apart(_apart(_apart(_apart((tile,))))))


@triton.jit
def read_rows(table, row, here, COUNT: tl.constexpr, DTYPE: tl.constexpr, BLOCK: tl.constexpr):
    """Return columns of a table that is COUNT times 32 wide; rows that are not there are of ones."""
    found = ()
    for k in tl.static_range(COUNT):
        found = found + _one_tile(table + k * _CUT, row, here, COUNT * _CUT, DTYPE, BLOCK)
    return found


@triton.jit
def _filled(columns, COUNT: tl.constexpr):
    for _k in tl.static_range(COUNT * _CUT - len(columns)):
        columns = columns + (columns[0] * 0.0,)
    return columns


@triton.jit
def write_rows(table, row, here, columns, COUNT: tl.constexpr, BLOCK: tl.constexpr):
    """Store columns into rows of a table that is COUNT times 32 wide; what is left over is zero."""
    every = _filled(columns, COUNT)
    for k in tl.static_range(COUNT):
        some = ()
        for j in tl.static_range(_CUT):
            some = some + (every[k * _CUT + j],)
        tile = _together(_together(_together(_together(_together(some)))))
        tile = tl.reshape(tile[0], [BLOCK, _CUT])
        place = row.to(tl.int64)[:, None] * (COUNT * _CUT) + k * _CUT + tl.arange(0, _CUT)[None, :]
        tl.store(table + place, tile, mask=here[:, None])


@triton.jit
def chosen(condition, new, old):
    """Return every column of ``new`` where the condition holds, else of ``old``."""
    found = ()
    for k in tl.static_range(len(new)):
        found = found + (tl.where(condition, new[k], old[k]),)
    return found
