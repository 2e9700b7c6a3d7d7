"""The figure: each contest's difference in Harrell's C, cohort by cohort."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biolab.reports.figures import svg
from biolab.reports.figures.theme import theme

from .contests import CONTESTS

REACH = 0.3
OURS, THEIRS, NEITHER = "#0072b2", "#d55e00", "#9a9a9a"


def picture(told: dict) -> str:
    """Return the SVG: a panel a contest, a line a cohort, ordered by its difference."""
    found = {(row["ours"], row["theirs"]): row for row in told["contests"] if row["metric"] == "harrell_c"}
    with theme():
        figure = Figure(figsize=(7.4, 6.0))
        panels = figure.subplots(2, 4, sharex=True)
        for axes, (ours, theirs, _) in zip(panels.flat, CONTESTS, strict=True):
            _panel(axes, found[ours, theirs]["rows"], f"{ours}\nless {theirs}")
        figure.supxlabel("Difference in Harrell's C (right of 0: ours is higher)", fontsize=8)
        figure.subplots_adjust(left=0.03, right=0.99, top=0.93, bottom=0.1, wspace=0.1, hspace=0.25)
        return svg(
            figure,
            name="survset",
            description="Differences in Harrell's C between our models and the peers, a line a cohort, 95 % intervals",
        )


def _panel(axes: Axes, rows: list[dict], title: str) -> None:
    axes.axvline(0.0, color="#555555", linewidth=0.7)
    for height, row in enumerate(sorted(rows, key=lambda row: row["mean"])):
        clear = row["lower"] > 0 or row["upper"] < 0
        colour = NEITHER if not clear else OURS if row["mean"] > 0 else THEIRS
        limits = [max(row["lower"], -REACH), min(row["upper"], REACH)]
        axes.plot(limits, [height, height], color=colour, linewidth=0.9)
        axes.plot([row["mean"]], [height], "o", color=colour, markersize=2.4)
    axes.set_xlim(-REACH, REACH)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title(title, fontsize=8, loc="left")
