"""The kernels import where only numpy, numba and torch are installed."""

import subprocess
import sys

SCRIPT = """
import builtins

plain = builtins.__import__

def only_these(name, globals=None, locals=None, fromlist=(), level=0):
    asked_by = (globals or {}).get("__name__", "")
    absent = {"polars", "jaxtyping", "sklearn", "mlflow", "scipy", "pandas", "triton"}
    if asked_by.startswith("biolab") and level == 0 and name.split(".")[0] in absent:
        raise ModuleNotFoundError(name)
    return plain(name, globals, locals, fromlist, level)

builtins.__import__ = only_these
import biolab.kernels
print(sorted(name for name in dir(biolab.kernels) if name in {"cox_loss", "cox_scan", "concordance", "RiskSet"}))
"""


def test_kernels_import_without_the_rest():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['RiskSet', 'concordance', 'cox_loss', 'cox_scan']"
