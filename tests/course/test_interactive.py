"""Something to play with where there is a kernel, and a picture everywhere else."""

from IPython.core.interactiveshell import InteractiveShell

from biolab.course import Choice, Slider, explore
from biolab.course.interactive import WIDGET

SLIDER = Slider(low=0, high=4, step=1, start=2, label={"en": "feed (L)", "ko": "공급량 (L)"})
CHOICE = Choice(options=("bolus", "constant"), label={"en": "mode", "ko": "방식"})


def drawn(feed_l: float, mode: str) -> str:
    return f"{mode} {feed_l:g}"


def test_without_a_kernel_there_is_a_still_picture():
    explorer = explore(drawn, {"feed_l": SLIDER, "mode": CHOICE}, language="ko")
    assert explorer.still() == "bolus 2"
    assert explorer._repr_mimebundle_() == {"text/plain": "'bolus 2'"}


def test_with_a_kernel_there_are_both(monkeypatch):
    explorer = explore(drawn, {"feed_l": SLIDER, "mode": CHOICE}, language="ko")
    monkeypatch.setattr("biolab.course.interactive._has_kernel", lambda: True)
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
