"""Something to play with in a notebook: sliders where there is a live kernel, a still picture everywhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from .blocks import Language
from .trainee import trainee

WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True, kw_only=True)
class Slider:
    """A number to choose; ``start`` is also what the still picture shows."""

    low: float
    high: float
    step: float
    start: float
    label: Mapping[Language, str]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of several; the first is what the still picture shows."""

    options: tuple[object, ...]
    label: Mapping[Language, str]


@dataclass(frozen=True)
class Explorer:
    """A drawing and its controls; made by ``explore``."""

    draw: Callable[..., object]
    controls: Mapping[str, Slider | Choice]
    language: Language

    def still(self) -> object:
        """Draw with every control where it starts."""
        return self.draw(**{name: _start(control) for name, control in self.controls.items()})

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Give both: JupyterLab shows the sliders, and what cannot (a page, a preview, a print) the picture.

        Where nobody can move them (nbconvert, a test) there is the picture alone, and no widget is made.
        """
        from IPython.core.interactiveshell import InteractiveShell

        picture = self.still()
        formatter = InteractiveShell.instance().display_formatter if InteractiveShell.initialized() else None
        bundle = {"text/plain": repr(picture)} if formatter is None else dict(formatter.format(picture)[0])
        if find_spec("ipywidgets") is not None and is_live():
            bundle[WIDGET] = self._widget()._repr_mimebundle_()[WIDGET]
        return bundle

    def _widget(self) -> Any:
        import ipywidgets
        from IPython.display import display

        controls = {name: _control(ipywidgets, control, self.language) for name, control in self.controls.items()}

        def show(**values: object) -> None:
            display(self.draw(**values))

        return ipywidgets.VBox([*controls.values(), ipywidgets.interactive_output(show, controls)])


def explore(
    draw: Callable[..., object], controls: Mapping[str, Slider | Choice], *, language: Language | None = None
) -> Explorer:
    """Let a reader move the controls of a drawing.

    Parameters
    ----------
    draw
        Returns something that a notebook shows (a figure, a frame) for values of the controls, by name.
    controls
        What can be chosen, by the name that ``draw`` knows it under.
    language
        Language of the labels; by default that of the notebook's trainee.

    >>> slider = Slider(low=0, high=4, step=1, start=2, label={"en": "feed (L)", "ko": "공급량 (L)"})
    >>> explore(lambda feed_l: feed_l * 2, {"feed_l": slider}).still()
    4
    """
    return Explorer(draw, controls, language or trainee().language)


def _start(control: Slider | Choice) -> object:
    return control.start if isinstance(control, Slider) else control.options[0]


def _control(ipywidgets: Any, control: Slider | Choice, language: Language) -> Any:
    said = {"description": control.label[language], "style": {"description_width": "initial"}}
    if isinstance(control, Choice):
        return ipywidgets.Dropdown(options=list(control.options), value=control.options[0], **said)
    return ipywidgets.FloatSlider(
        min=control.low, max=control.high, step=control.step, value=control.start, continuous_update=False, **said
    )


def is_live() -> bool:
    """Say whether somebody sits before the notebook and can move what it shows.

    Front ends let a cell ask for input; what executes notebooks without a reader (nbclient, nbconvert, papermill) says
    with each cell that nobody would answer.
    """
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    request = getattr(kernel, "get_parent", dict)()
    return bool(request.get("content", {}).get("allow_stdin", False))
