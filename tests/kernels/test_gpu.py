"""Triton kernels equal the CPU path, on a CUDA device where there is one and else under Triton's interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="triton is not installed (pip install 'biolab[gpu]'); GPU kernels are not tested")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernel", ["concordance", "cox_loss", "cox_scan", "fed_batch", "fed_batch_all", "packed_matmul"]
)
def test_triton_kernel_equals_the_cpu_path(kernel):
    # the interpreter must be chosen before triton is first imported: a process of its own
    import torch

    environment = os.environ | ({} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"})
    script = Path(__file__).with_name("compare_gpu.py")
    done = subprocess.run(
        [sys.executable, str(script), kernel], check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "cases agree" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("bits", [32, 64])
def test_fed_batch_compiles_for_a_gpu(bits, tmp_path):
    """The interpreter accepts what the compiler does not: compile ahead of time, which needs no device."""
    script = Path(__file__).with_name("compile_fed_batch.py")
    done = subprocess.run(
        [sys.executable, str(script), str(bits)],
        check=False, env=os.environ | {"TRITON_CACHE_DIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
