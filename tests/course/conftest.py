"""A small module and the notebooks that trainees make of it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from biolab.course import Module, Trainee, notebook, read_module

SOURCE = Path(__file__).parent / "modules" / "90-dilution" / "module.md"


@pytest.fixture(scope="session")
def text() -> str:
    return SOURCE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def module() -> Module:
    return Module.load(SOURCE.parent)


@pytest.fixture
def read(text: str) -> Callable[..., Module]:
    """Read the module's text after replacements, in a folder of its own name."""

    def reads(replaced: Mapping[str, str] | None = None, *, whole: str | None = None) -> Module:
        changed = text if whole is None else whole
        for old, new in (replaced or {}).items():
            assert old in changed
            changed = changed.replace(old, new, 1)
        return read_module(changed, folder=SOURCE.parent)

    return reads


@pytest.fixture
def heron() -> Trainee:
    return Trainee(pseudonym="heron", cohort="spring", module="90-dilution", language="ko")


SOLVED = "feed_volume_l = 0.2 * working_volume_l\nboluses_l = [feed_volume_l / 2] * 2"


@pytest.fixture
def hand_in(module: Module, tmp_path: Path) -> Callable[..., Path]:
    """Write a notebook in which the exercise's cell holds the given code."""

    def writes(code: str = SOLVED, *, name: str = "submission", language: str = "ko") -> Path:
        content = notebook(module, language=language, audience="trainee")
        for cell in content["cells"]:
            if cell["id"] == "code-dilution":
                cell["source"] = code
        path = tmp_path / f"{name}.ipynb"
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return writes
