"""``biolab data list``: the data sets that come with biolab."""

from cyclopts import App

from .options import AsJson, print_json

data = App(name="data", help="Data sets that biolab knows by name.", help_format="plaintext")


@data.command(name="list")
def list_datasets(*, as_json: AsJson = False) -> None:
    """List the data sets with institution, size, licence and source."""
    from biolab.data import datasets

    frame = datasets()
    if as_json:
        print_json(frame.to_dicts())
        return
    from rich.console import Console
    from rich.table import Table

    shown = ("name", "institution", "patients", "licence", "source", "citation")
    table = Table(*shown, box=None)
    for row in frame.select(shown).iter_rows():
        table.add_row(*(str(value) for value in row))
    Console().print(table)
