"""The control room in a notebook: a console with buttons and a clock, or a picture where nothing can be pressed."""

import asyncio
from collections.abc import Callable, Iterable
from html import escape
from importlib.util import find_spec
from typing import Any

from biolab.bioprocess import BatchRecord, Recipe, Session, begin
from biolab.bioprocess.faults import PROBES, Fault
from biolab.bioprocess.recipe_checks import SETPOINT_LIMITS
from biolab.bioprocess.schedule import Plant
from biolab.core import BiolabError
from biolab.course.interactive import WIDGET, is_live
from biolab.reports.language import Language, Prose, prose
from biolab.reports.legend import SITE_COLOURS

from .console import SPEEDS, Console
from .screens import action_name, alarm_list, clock, event_list, still, values
from .trends import trends

SECOND = 1.0
_STYLE = {"description_width": "initial"}


def control_room(  # noqa: PLR0913 - a batch, and who runs it in which language
    plant: Plant,
    recipe: Recipe | None = None,
    *,
    faults: Iterable[Fault] = (),
    seed: int = 0,
    hours: float = 336,
    operator: str = "operator",
    language: Language = "en",
) -> "ControlRoom":
    """Open the control room of a batch: a second of the clock is an hour of the batch.

    In JupyterLab it has trends, values, alarms, events and everything an operator may do; elsewhere it is a picture of
    the batch as it stands. Each action goes into ``room.record`` with who, when and why. Faults are not shown.

    Parameters
    ----------
    plant, recipe, faults, seed, hours
        As `biolab.bioprocess.begin` takes them.
    operator
        Who acts, in the record.
    language
        Of everything on the screen.

    Raises
    ------
    ConfigError
        As `biolab.bioprocess.begin` does.

    Examples
    --------
    >>> from biolab.bioprocess import CHOFedBatch
    >>> room = control_room(CHOFedBatch(), operator="kim")
    >>> room.advance(48)
    48.0
    >>> room.console.change("temperature_c", 36.0, "slower growth wanted").new
    36.0
    """
    session = begin(plant, recipe, hours=hours, faults=faults, seed=seed)
    return ControlRoom(session, operator=operator, language=language)


class ControlRoom:
    """What `control_room` opens. ``console`` does without a screen all that the buttons do."""

    def __init__(self, session: Session, *, operator: str, language: Language = "en") -> None:
        self.console = Console(session, operator=operator)
        self.language: Language = language
        self._screen: _Screen | None = None

    @property
    def session(self) -> Session:
        """The batch."""
        return self.console.session

    @property
    def record(self) -> BatchRecord:
        """The batch record as it would be closed now."""
        return self.console.record

    def advance(self, hours: float) -> float:
        """Let so many hours pass at once, and return the batch time."""
        time_h = self.session.advance(hours)
        if self._screen is not None:
            self._screen.refresh()
        return time_h

    def still(self) -> str:
        """Return the console as HTML without buttons."""
        say = prose(self.language)
        return still(self.console, _drawn(self.console, say), say)

    def widget(self) -> Any:
        """Return the console as a widget; the same one each time.

        Raises
        ------
        ImportError
            If ipywidgets is not installed (the extra ``lab`` brings it).
        """
        if self._screen is None:
            self._screen = _Screen(self.console, prose(self.language))
        return self._screen.box

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Give both: JupyterLab shows the console, and what cannot (a page, a print) the picture."""
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self.still()}
        if find_spec("ipywidgets") is not None and is_live():
            bundle[WIDGET] = self.widget()._repr_mimebundle_()[WIDGET]
        return bundle

    def __repr__(self) -> str:
        return f"ControlRoom({self.session.recipe.name}, {self.session.time_h:g} h)"


def _drawn(console: Console, say: Prose) -> str:
    session = console.session
    return trends(session.trajectories, console.found(), session.recipe, say, hours=session.hours)


class _Screen:
    """The widgets of one console, and the task that lets its clock run."""

    def __init__(self, console: Console, say: Prose) -> None:
        import ipywidgets

        self.w, self.console, self.say = ipywidgets, console, say
        self.parts = {name: ipywidgets.HTML() for name in ("clock", "trends", "values", "alarms", "events", "said")}
        self.task: asyncio.Task[None] | None = None
        self.run = self._button("start", self._toggle, style="primary")
        speed = ipywidgets.Dropdown(
            options=[(say("control_room.speed_of", {"hours": n}), n) for n in SPEEDS], value=SPEEDS[0],
            description=say("control_room.speed"), style=_STYLE, layout={"width": "210px"},
        )  # fmt: skip
        speed.observe(self._speed, names="value")
        self.who = ipywidgets.Text(value=console.operator, description=say("control_room.who"), style=_STYLE)
        self.why = ipywidgets.Text(
            description=say("control_room.why"), placeholder=say("control_room.why_hint"), style=_STYLE,
            layout={"width": "420px"},
        )  # fmt: skip
        self.waiting = ipywidgets.Dropdown(
            options=[], description=say("control_room.alarm"), style=_STYLE, layout={"width": "190px"}
        )
        top = ipywidgets.HBox([self.run, self._button("hour", lambda: self._skip(1)),
                               self._button("day", lambda: self._skip(24)), speed])  # fmt: skip
        right = [self.parts["alarms"], ipywidgets.HBox([self.waiting, self._button("acknowledge", self._acknowledge)]),
                 self.parts["values"]]  # fmt: skip
        left = [self.parts["trends"], self.parts["events"]]
        columns = ipywidgets.HBox([
            ipywidgets.VBox(left, layout={"flex": "3 1 0", "min_width": "0"}),
            ipywidgets.VBox(right, layout={"flex": "1.35 1 0", "min_width": "0", "margin": "0 0 0 12px"}),
        ])  # fmt: skip
        self.box = ipywidgets.VBox([ipywidgets.HBox([self.parts["clock"]]), top, self._actions(), columns])
        self.refresh()

    def _actions(self) -> Any:
        w, say = self.w, self.say
        names = [*SETPOINT_LIMITS, "feed_l_per_h"]
        name = w.Dropdown(options=[(action_name(each, say), each) for each in names], layout={"width": "170px"})
        value = w.FloatText(value=7.0, layout={"width": "90px"})
        name.observe(lambda change: setattr(value, "value", self._setpoint(change["new"])), names="value")
        value.value = self._setpoint(names[0])
        litres = w.BoundedFloatText(value=0.05, min=0.0, max=100.0, step=0.01, layout={"width": "80px"})
        probe = w.Dropdown(options=[(action_name(each, say), each) for each in PROBES], layout={"width": "130px"})
        reference = w.FloatText(value=7.0, layout={"width": "80px"})
        console = self.console
        first = [w.Label(say("control_room.setpoint")), name, value,
                 self._button("apply", self._acting(
                     lambda: console.change(name.value, value.value, self.why.value)))]  # fmt: skip
        second = [w.Label(say("control_room.bolus")), litres,
                  self._button("feed", self._acting(lambda: console.feed(litres.value, self.why.value))),
                  self._button("sample", self._acting(lambda: console.sample(self.why.value))),
                  w.Label(say("control_room.probe")), probe, reference,
                  self._button("calibrate", self._acting(
                      lambda: console.calibrate(probe.value, reference.value, self.why.value)))]  # fmt: skip
        return w.VBox([w.HBox([self.who, self.why]), w.HBox(first + second, layout={"flex_flow": "row wrap"}),
                       self.parts["said"]])  # fmt: skip

    def _setpoint(self, name: str) -> float:
        return round(float(self.console.session.trajectories[f"{name}_setpoint"][-1]), 4)

    def _button(self, key: str, pressed: Callable[[], object], *, style: str = "") -> Any:
        button = self.w.Button(
            description=self.say(f"control_room.button_{key}"),
            button_style=style,
            layout={"width": "auto", "flex": "0 0 auto"},
        )
        button.on_click(lambda _: pressed())
        return button

    def _acting(self, act: Callable[[], object]) -> Callable[[], None]:
        def pressed() -> None:
            self.console.operator = self.who.value
            if not self.who.value.strip() or not self.why.value.strip():
                self.console.said = self.say("control_room.need_reason")
            elif act() is not None:
                self.why.value = ""
            self.refresh()

        return pressed

    def _acknowledge(self) -> None:
        if self.waiting.value is not None:
            self._acting(lambda: self.console.acknowledge(self.waiting.value, self.why.value))()

    def _speed(self, change: dict[str, Any]) -> None:
        self.console.speed = change["new"]

    def _skip(self, hours: int) -> None:
        self.console.session.advance(hours)
        self.refresh()

    def _toggle(self) -> None:
        if self.console.running:
            self.console.pause()
        else:
            self.console.start()
            self._let_run()
        self.refresh()

    def _let_run(self) -> None:
        """Start the clock on the kernel's own loop; without one (a script, a test) ``Console.tick`` is the clock."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self.task is None or self.task.done():
            self.task = loop.create_task(self._run())

    async def _run(self) -> None:
        while self.console.running:
            await asyncio.sleep(SECOND)
            try:
                self.console.tick()
                self.refresh()
            except BiolabError as error:
                self.console.pause()
                self.console.said = str(error)
                self.refresh()

    def refresh(self) -> None:
        """Show what is so now; parts that did not change are not sent again."""
        console, say = self.console, self.say
        waiting = dict.fromkeys(each.name for each in console.alarms() if not each.acknowledged)
        shown = {
            "clock": clock(console, say),
            "trends": _drawn(console, say),
            "values": values(console, say),
            "alarms": alarm_list(console, say),
            "events": event_list(console, say),
            "said": f'<span style="color:{SITE_COLOURS[1]}">{escape(console.said)}</span>',
        }
        for name, content in shown.items():
            self.parts[name].value = content
        options = [(action_name(each, say), each) for each in waiting]
        if list(self.waiting.options) != options:
            chosen = self.waiting.value
            self.waiting.options = options
            self.waiting.value = chosen if chosen in waiting else next(iter(waiting), None)
        self.run.description = say(f"control_room.button_{'pause' if console.running else 'start'}")
