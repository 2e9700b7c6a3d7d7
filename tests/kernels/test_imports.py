"""The kernels import where only numpy, numba and torch are installed."""

import subprocess
import sys

SCRIPT = """
import sys
for name in ("polars", "pandas", "pyarrow", "jaxtyping", "sklearn", "scipy", "mlflow", "matplotlib", "pydantic"):
    sys.modules[name] = None
import numpy as np
from biolab.kernels.concordance import concordance
from biolab.kernels.cox_slope import cox_slope
found = concordance(np.array([1.0, 2.0]), np.array([True, True]), np.array([1.0, 0.0]))
assert found.index == 1.0
"""


def test_kernels_need_no_other_package():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
