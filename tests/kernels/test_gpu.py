"""Triton kernels equal the CPU path, on a CUDA device where there is one and else under Triton's interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="triton is not installed (pip install 'biolab[gpu]'); GPU kernels are not tested")


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["concordance", "cox_loss", "cox_scan", "packed_matmul"])
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
