"""The kernels import where only numpy, numba and torch are installed."""

import subprocess
import sys

SCRIPT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"polars", "jaxtyping", "sklearn", "mlflow", "scipy", "pandas", "triton"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import biolab.kernels
print(sorted(name for name in dir(biolab.kernels) if name in {"cox_loss", "cox_scan", "concordance", "RiskSet"}))
"""


def test_kernels_import_without_the_rest():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['RiskSet', 'concordance', 'cox_loss', 'cox_scan']"
