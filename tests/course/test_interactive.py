"""Something to play with where somebody can, and a picture everywhere else."""

import time
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient

from biolab.course import Choice, Slider, explore
from biolab.course.interactive import WIDGET, is_live

SLIDER = Slider(low=0, high=4, step=1, start=2, label={"en": "feed (L)", "ko": "공급량 (L)"})
CHOICE = Choice(options=("bolus", "constant"), label={"en": "mode", "ko": "방식"})
CELL = """
from biolab.course import Choice, Slider, explore
slider = Slider(low=0, high=4, step=1, start=2, label={"en": "feed (L)", "ko": "L"})
explore(lambda feed_l: feed_l * 2, {"feed_l": slider})
"""


def drawn(feed_l: float, mode: str) -> str:
    return f"{mode} {feed_l:g}"


def test_without_a_kernel_there_is_a_still_picture():
    explorer = explore(drawn, {"feed_l": SLIDER, "mode": CHOICE}, language="ko")
    assert explorer.still() == "bolus 2"
    assert explorer._repr_mimebundle_() == {"text/plain": "'bolus 2'"}


def test_with_a_reader_there_are_both(monkeypatch):
    explorer = explore(drawn, {"feed_l": SLIDER, "mode": CHOICE}, language="ko")
    monkeypatch.setattr("biolab.course.interactive.is_live", lambda: True)
    shell = InteractiveShell.instance()
    try:
        bundle = explorer._repr_mimebundle_()
        controls = explorer._widget().children
    finally:
        InteractiveShell.clear_instance()
    assert bundle["text/plain"] == "'bolus 2'"
    assert bundle[WIDGET]["model_id"]
    assert [control.description for control in controls[:2]] == ["공급량 (L)", "방식"]
    assert shell is not None


@pytest.mark.parametrize(
    ("request_", "live"),
    [({"content": {"allow_stdin": True}}, True), ({"content": {"allow_stdin": False}}, False), ({}, False)],
    ids=["JupyterLab", "nbclient", "no request"],
)
def test_a_front_end_that_cannot_be_asked_has_no_reader(monkeypatch, request_: dict, live: bool):
    kernel = SimpleNamespace(get_parent=lambda: request_)
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: SimpleNamespace(kernel=kernel))
    assert is_live() is live


@pytest.mark.slow
def test_a_notebook_that_nobody_reads_takes_the_picture_at_once():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    started = time.monotonic()
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    assert time.monotonic() - started < 40
    [output] = notebook.cells[0].outputs
    assert set(output["data"]) == {"text/plain"}
