"""``biolab data list``: the data sets that come with biolab."""

from typing import Literal

from cyclopts import App

from .options import AsJson, print_json

data = App(name="data", help="Data sets that biolab knows by name.", help_format="plaintext")


@data.command(name="list")
def list_datasets(family: Literal["survset"] | None = None, *, as_json: AsJson = False) -> None:
    """List the data sets with institution, size, licence and source; ``biolab data list survset`` lists SurvSet's.

    Parameters
    ----------
    family
        The collection to list; without it, the cohorts that come with biolab.
    """
    from biolab.data import datasets

    frame = datasets(family)
    if as_json:
        print_json(frame.to_dicts())
        return
    from rich.console import Console
    from rich.table import Table

    own = ("name", "institution", "patients", "licence", "source", "citation")
    shown = own if family is None else ("name", "patients", "events", "numbers", "factors", "time_dependent", "note")
    table = Table(*shown, box=None)
    table.columns[0].no_wrap = True
    for row in frame.select(shown).iter_rows():
        table.add_row(*(str(value) for value in row))
    console = Console()
    console.print(table)
    if family is None:
        more = datasets("survset")
        licence, source = more.select("licence", "source").row(0)
        told = f"\nsurvset/<name>: {more.height} more, {licence}, {source}; see: biolab data list survset"
        console.print(told, markup=False)
