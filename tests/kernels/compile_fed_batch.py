"""Compile the fed-batch kernel for two generations of GPUs in single or double precision; run by `test_gpu`."""

import sys

import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from biolab.kernels.fed_batch import gpu, layout

bits = int(sys.argv[1])
DOUBLE, SHORT = "*fp64", f"*fp{bits}"
pointers = {
    "parameters": DOUBLE, "seeds": "*i64", "state": DOUBLE, "memory": DOUBLE, "schedule": SHORT, "shared": SHORT,
    "keys": "*i64", "when": "*i64", "records": DOUBLE, "failed": DOUBLE,
}  # fmt: skip
numbers = dict.fromkeys(("n", "first", "last", "closing", "recorded"), "i32")
constants = {
    "WIDTH": len(layout.SCHEDULE), "PLANT": layout.CHO, "ORDER": 3, "FIXED": 0,
    "DTYPE": tl.float32 if bits == 32 else tl.float64, "BLOCK": gpu.BLOCK, **gpu.TILES,
}  # fmt: skip
signature = pointers | numbers | dict.fromkeys(constants, "constexpr")
target = GPUTarget("cuda", 90 if bits == 32 else 80, 32)
compiled = triton.compile(
    ASTSource(gpu._advance, signature, constexprs=constants), target=target, options={"num_warps": 1}
)
assert compiled.asm["cubin"]
assert compiled.metadata.shared <= 48 * 1024
