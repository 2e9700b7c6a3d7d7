"""Grading: right answers get points, and no trick does; whatever one submission does, the next is graded."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from biolab.core import BiolabError
from biolab.course import Grade, Limits, Module, Trainee, grade_class, grade_submission, sandbox_fault

from .conftest import SOLVED

pytestmark = pytest.mark.skipif(sandbox_fault() is not None, reason=f"no sandbox here: {sandbox_fault()}")
SHORT = Limits(seconds=6)
HandIn = Callable[..., Path]


def passed(grade: Grade) -> list[str]:
    return [check.name for check in grade.checks if check.passed]


@pytest.mark.slow
def test_a_right_answer_gets_every_point(module: Module, heron: Trainee, hand_in: HandIn):
    grade = grade_submission(module, heron, hand_in(), limits=SHORT)
    assert (grade.verdict, grade.points, grade.most_points) == ("graded", 4, 4)
    assert grade.scores[0].value == pytest.approx(0, abs=1e-9)
    assert not grade.tried
    assert not grade.errors
    assert Grade.from_dict(json.loads(json.dumps(grade.as_dict()))) == grade


NASTY = """
import builtins, os, socket, subprocess, sys, pathlib
names, found = ("module.md", "submission.ipynb", "gradebook.db", "cohort.toml"), []
for folder, inside, files in os.walk("/"):
    inside[:] = [each for each in inside if each not in ("proc", "usr", "lib", "lib64", "site-packages", "__pycache__")]
    found += [name for name in files if name in names]
for attempt in (os.fork, lambda: socket.create_connection(("127.0.0.1", 5000), 1), lambda: os.listdir("/home"),
                lambda: subprocess.run(["ls"]), lambda: pathlib.Path("/usr/x").write_text("x"),
                lambda: open("../../source/90-dilution/module.md").read(),
                lambda: open("../../grades/90-dilution.json").read(),
                lambda: os.execv("/usr/bin/env", ["env"])):
    try:
        attempt()
        found.append("done")
    except (OSError, PermissionError):
        pass
import biolab.course.case_truth
builtins.abs = lambda value: 0
builtins.AssertionError = type("AssertionError", (Exception,), {})
os.write(3, b'{"check": "dilution-hidden-1", "passed": true, "message": ""}\\n{"points": 4}\\nnot json\\n[1]\\n')
os.write(3, b'{"answer": "feed_volume_l", "value": {"$": "recipe", "toml": "x"}}\\n\\xff{"answer"\\n')
feed_volume_l = 1.0
boluses_l = [0.1, 0.5, len(found)]
"""


def test_a_nasty_submission_reaches_nothing_and_gains_nothing(module: Module, heron: Trainee, hand_in: HandIn):
    grade = grade_submission(module, heron, hand_in(NASTY), limits=SHORT)
    assert passed(grade) == ["dilution-test-1"]
    assert grade.verdict == "graded"
    assert grade.answers["boluses_l"] == [0.1, 0.5, 0], "nothing found, nothing done"
    assert {"start another process", "start another program", "reach the network"} <= set(grade.tried)
    for place in ("module.md", "grades/90-dilution.json", "case_truth"):
        assert any(place in what for what in grade.tried), place


BAD: Mapping[str, tuple[str, str, float]] = {
    "loops": ("feed_volume_l = 1.0\nwhile True: pass", "time", 0),
    "loops-later": (SOLVED + "\n", "time", 4),
    "waits": ("import time\ntime.sleep(1e6)", "time", 0),
    "prints": ("for _ in range(1024): print('x' * 2**20)", "output", 0),
    "prints-to-errors": ("import os\nwhile True: os.write(2, b'x' * 2**16)", "output", 0),
    "reports": ("import os\nwhile True: os.write(3, b'x' * 2**16)", "output", 0),
    "forks": ("import os\nwhile True: os.fork()", "graded", 0),
    "threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
        "graded",
        0,
    ),
    "remembers": ("kept = bytearray(8 << 30)", "graded", 0),
    "fills-the-disk": ("with open('x', 'wb') as file:\n    while True: file.write(b'x' * 2**20)", "graded", 0),
    "leaves": ("import os\nos._exit(0)", "killed", 0),
    "leaves-politely": ("raise SystemExit", "graded", 0),
    "falls": ("import ctypes\nctypes.string_at(0)", "killed", 0),
    "ignores-the-end": ("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", "time", 0),
    "closes-its-mouth": ("import os, time\n[os.close(n) for n in (1, 2, 3)]\nwhile True: time.sleep(1)", "time", 0),
    "is-deep": ("feed_volume_l = []\nfor _ in range(900): feed_volume_l = [feed_volume_l]\nboluses_l = 0", "graded", 0),
    "is-infinite": ("feed_volume_l = float('inf')\nboluses_l = [float('nan')]", "graded", 0),
    "is-no-number": ("feed_volume_l = '0.2'\nboluses_l = print", "graded", 0),
    "is-no-python": ("feed_volume_l = ", "graded", 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD)
def test_bad_submissions_get_a_clear_verdict_and_no_hidden_point(
    module: Module, heron: Trainee, hand_in: HandIn, name: str
):
    code, verdict, points = BAD[name]
    path = hand_in(code)
    if name == "loops-later":
        content = json.loads(path.read_text(encoding="utf-8"))
        content["cells"].append({"cell_type": "code", "id": "mine", "metadata": {}, "source": "while True: pass"})
        path.write_text(json.dumps(content), encoding="utf-8")
    grade = grade_submission(module, heron, path, limits=SHORT)
    assert grade.verdict == verdict, (grade.message, grade.errors)
    assert sum(check.points for check in grade.checks if check.passed and check.hidden) == (3 if points else 0)
    assert verdict == "graded" or grade.message
    assert verdict != "graded" or grade.errors or name.startswith("is-")


def test_files_that_are_no_notebooks_are_said(module: Module, heron: Trainee, tmp_path: Path):
    verdicts = {}
    for name, content in {"text": b"hello", "list": b"[]", "cells": b'{"cells": 3}', "cell": b'{"cells": [1]}'}.items():
        path = tmp_path / f"{name}.ipynb"
        path.write_bytes(content)
        verdicts[name] = grade_submission(module, heron, path).verdict
    (tmp_path / "link.ipynb").symlink_to("/etc/passwd")
    verdicts["link"] = grade_submission(module, heron, tmp_path / "link.ipynb").verdict
    assert verdicts == {**dict.fromkeys(("text", "list", "cells", "cell"), "unreadable"), "link": "missing"}
    missing = grade_submission(module, heron, tmp_path / "none.ipynb")
    assert (missing.verdict, missing.points, missing.most_points) == ("missing", 0, 4)


@pytest.mark.slow
def test_the_class_goes_on(module: Module, hand_in: HandIn):
    codes = {
        "heron": "while True: pass",
        "crane": "import os; os.kill(1, 9)",
        "egret": SOLVED,
        "ibis": "print('x' * 2**30)",
    }
    members = [Trainee(pseudonym=name, cohort="spring", module="90-dilution") for name in codes]
    given = [(who, hand_in(codes[who.pseudonym], name=who.pseudonym)) for who in members]
    grades = grade_class(module, given, limits=SHORT)
    assert [grade.points for grade in grades] == [0, 0, 4, 0]


@pytest.mark.slow
def test_set_up_and_tests_are_the_modules_whatever_the_notebook_says(module: Module, heron: Trainee, hand_in: HandIn):
    path = hand_in("feed_volume_l = 1.0\nboluses_l = [1.0]")
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["id"] == "code-setup-vessel":
            cell["source"] = "working_volume_l = 5.0"
        if cell["id"].startswith("code-dilution-"):
            cell["source"] = "pass"
            cell["metadata"]["nbgrader"]["points"] = 100
    path.write_text(json.dumps(content), encoding="utf-8")
    grade = grade_submission(module, heron, path, limits=SHORT)
    assert passed(grade) == ["dilution-test-1", "dilution-hidden-2"]


@pytest.mark.slow
def test_limits_alone_still_forbid_processes_and_network(module: Module, heron: Trainee, hand_in: HandIn):
    code = "import os, socket\nfeed_volume_l = 0\nboluses_l = []\n"
    for attempt in ("os.fork()", "socket.socket()", "os.execv('/bin/true', ['true'])"):
        code += f"try:\n    {attempt}\n    boluses_l.append(1)\nexcept OSError:\n    pass\n"
    grade = grade_submission(module, heron, hand_in(code), limits=SHORT, strength="limits")
    assert (grade.verdict, grade.answers["boluses_l"]) == ("graded", [])
    assert grade_submission(module, heron, hand_in(), limits=SHORT, strength="limits").points == 4


def test_a_course_that_submissions_could_read_is_refused(heron: Trainee, hand_in: HandIn, read: Callable[..., Module]):
    import sys

    inside = replace(read(), folder=Path(sys.prefix) / "course" / "90-dilution")
    with pytest.raises(BiolabError, match="which every submission can read"):
        grade_submission(inside, heron, hand_in())


@pytest.mark.slow
def test_a_module_whose_set_up_fails_is_not_blamed_on_trainees(
    read: Callable[..., Module], heron: Trainee, hand_in: HandIn
):
    broken = read({"titre_g_per_l = 3.0": "titre_g_per_l = 3.0 / 0"})
    with pytest.raises(BiolabError, match="'setup-vessel' failed: ZeroDivisionError"):
        grade_submission(broken, heron, hand_in(), limits=SHORT)
