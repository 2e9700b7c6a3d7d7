"""Figures with a mark or a point a patient."""

from biolab.joint.disclosure.gate import Leaving
from biolab.survival import kaplan_meier

from .world import World, leak, svg


@leak
def scatter_of_circles(world: World) -> Leaving:
    marks = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1"/>' for a, b, _ in world.opaque.fill_null(0).iter_rows())
    return world.file("f.svg", svg(f"<g>{marks}</g>"))


@leak
def scatter_by_matplotlib(world: World) -> Leaving:
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().scatter(world.frame["age"].to_numpy(), world.frame["months"].to_numpy())
    figure.savefig(world.folder / "scatter.svg", metadata={"Date": None})
    return world.folder / "scatter.svg"


@leak
def scatter_of_wrapped_marks(world: World) -> Leaving:
    marks = "".join(f'<g><use href="#m" x="{i}" y="{i % 7}"/></g>' for i in range(60))
    return world.file("f.svg", svg(f"<g>{marks}</g>"))


@leak
def kaplan_meier_with_every_step(world: World) -> Leaving:
    steps = kaplan_meier(world.cohort.time, world.cohort.event).table()
    line = " ".join(f"L {t} {s}" for t, s in steps.select("time", "survival").iter_rows())
    return world.file("f.svg", svg(f'<path d="M 0 1 {line}"/>'))


@leak
def polyline_with_a_point_a_patient(world: World) -> Leaving:
    points = " ".join(f"{i},{age:.0f}" for i, age in enumerate(world.frame["age"]))
    return world.file("f.svg", svg(f'<polyline points="{points}"/>'))


@leak
def patients_named_in_figure(world: World) -> Leaving:
    return world.file("f.svg", svg(f"<text>{world.frame['patient'][7]}</text>"))
