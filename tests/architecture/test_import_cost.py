"""Importing biolab and asking for help stay light: torch and mlflow load only when used."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "mlflow", "sklearn", "matplotlib")


def loaded_after(code: str) -> list[str]:
    """Return which heavy packages a fresh interpreter holds after running the code."""
    probe = f"import json, sys\n{code}\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import biolab", []),
        ("import biolab.core", []),
        ("import biolab.data", []),
        ("import biolab.genotypes, biolab.sequences", []),
        ("import biolab.bioprocess, biolab.course.grading.judge", []),
        ("from biolab.cli.main import build_app; build_app()", []),
    ],
)
def test_import_loads_nothing_heavy(code: str, allowed: list[str]) -> None:
    assert [m for m in loaded_after(code) if m not in allowed] == []


def test_probe_would_notice() -> None:
    assert loaded_after("import torch") == ["torch"]
