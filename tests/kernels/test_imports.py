"""The kernels import where only numpy, numba and torch are installed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from biolab import kernels

SCRIPT = """
import sys
for name in ("polars", "pandas", "pyarrow", "jaxtyping", "sklearn", "scipy", "mlflow", "matplotlib", "pydantic"):
    sys.modules[name] = None
import numpy as np
from biolab.kernels.concordance import concordance
from biolab.kernels.cox_slope import cox_slope
found = concordance(np.array([1.0, 2.0]), np.array([True, True]), np.array([1.0, 0.0]))
assert found.index == 1.0
import biolab.kernels
assert biolab.kernels.concordance is concordance, "a folder that was imported hides its function"
assert "torch" not in sys.modules
"""


def test_kernels_need_no_other_package():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_names_are_those_that_type_checkers_read():
    [guarded] = [node for node in ast.parse(Path(kernels.__file__).read_text("utf-8")).body if isinstance(node, ast.If)]
    read = {
        alias.asname: node.module for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert read == dict(kernels._FOLDER)
    assert set(read) <= set(dir(kernels))


def test_a_name_that_is_none_is_said():
    with pytest.raises(AttributeError, match="has no 'cox_los'"):
        kernels.cox_los  # noqa: B018
