import subprocess
import sys


def test_the_room_loads_no_heavy_neighbour():
    code = "import sys, biolab.data; print(*{m.partition('.')[0] for m in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert "biolab" in loaded
    assert not loaded & {
        "torch",
        "mlflow",
        "sklearn",
        "scipy",
        "sqlalchemy",
        "survival",
        "pandas",
        "fastexcel",
        "pyarrow",
    }
