"""``biolab site``: an institution's own part - its key, its data check, its bundle."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from .options import AsJson, StoreOptions, print_json

if TYPE_CHECKING:
    import polars as pl

site = App(name="site", help="An institution's part of a joint experiment.", help_format="plaintext")
SiteId = Annotated[str | None, Parameter(name="--site")]


@site.command
def init(site_id: str, *, home: Path | None = None, as_json: AsJson = False) -> None:
    """Make the site's Ed25519 key, readable by you alone, and print the public key for the coordinator.

    Parameters
    ----------
    site_id
        The site's name in the protocol.
    home
        Folder for biolab's keys; by default your configuration folder.
    """
    from biolab.joint import create_identity, identity_folder

    folder = identity_folder(site_id, home)
    identity = create_identity(site_id, folder)
    if as_json:
        print_json({"site": site_id, "public_key": identity.public_key, "folder": str(folder)})
        return
    print(
        f"Site:       {site_id}\nPublic key: {identity.public_key}\nKept in:    {folder} (keep a copy; never send it)"
    )
    print("Send the public key to the coordinator, for [sites.<id>] public_key in protocol.toml.")


@site.command
def check(
    protocol: Path, data: Path | None = None, *, site: SiteId = None, home: Path | None = None, as_json: AsJson = False
) -> None:
    """Check a site's data against the protocol's codebook and show what a run would release; nothing is sent.

    Parameters
    ----------
    protocol
        Folder that holds a protocol.toml, or the file itself.
    data
        The site's file (CSV, TSV, Parquet, Excel); without it, the data set that the protocol names.
    site
        The site's name in the protocol; by default the only one whose key is kept here.
    home
        Folder for biolab's keys.
    """
    from biolab.joint import Protocol, check_site, find_identity

    loaded = Protocol.load(protocol)
    name = site or find_identity(None, home).site
    tables = check_site(loaded, name, data)
    if as_json:
        named = {"name": loaded.name, "version": loaded.version, "sha256": loaded.sha256}
        print_json({"site": name, "protocol": named} | {table: frame.to_dicts() for table, frame in tables.items()})
        return
    print(f"{name}: every value is within the codebook of {loaded.name} {loaded.version}. A run would release:")
    for table in ("cohort", "flow", "characteristics"):
        _print_table(table, tables[table].drop("site"))


@site.command
def export(  # noqa: PLR0913 - one keyword an option
    run: str,
    *,
    output_file: Annotated[Path, Parameter(name=["-o", "--bundle"])],
    data: Path | None = None,
    site: SiteId = None,
    home: Path | None = None,
    store: StoreOptions | None = None,
    as_json: AsJson = False,
) -> None:
    """Write a site's signed results as one bundle; they are checked alone and beside what the site released before.

    Parameters
    ----------
    run
        Name of a protocol (the site's latest complete run), or identifiers of runs with commas between.
    output_file
        Where the bundle goes.
    data
        The site's file: its patients are looked for in the bundle; by default the data set that the protocol names.
    site
        The site; by default the only one whose key is kept here.
    home
        Folder for biolab's keys.
    """
    from biolab.joint import export_site, find_identity, identity_folder

    words = run.split(",")
    chosen = words if all(re.fullmatch("[0-9a-f]{32}", word) for word in words) else run
    identity, opened = find_identity(site, home), (store or StoreOptions()).open()
    facts = export_site(opened, chosen, identity, output_file, folder=identity_folder(identity.site, home), file=data)
    if as_json:
        print_json(facts.facts)
        return
    print(
        f"{facts.path}: {facts.runs} runs of {facts.site} under {facts.protocol} {facts.version}, {facts.files} files."
    )
    if not facts.traced:
        print("With --data FILE the site's own patients are looked for in it, too.")
    print(f"SHA-256 {facts.sha256}\nTake it to the coordinator, who runs: biolab joint import {facts.path.name}")


def _print_table(name: str, frame: "pl.DataFrame") -> None:
    from rich.console import Console
    from rich.table import Table

    shown = frame.select(column for column in frame.columns if not column.endswith(("_en", "_ko")))
    table = Table(*shown.columns, title=name, title_justify="left", box=None)
    for row in shown.iter_rows():
        table.add_row(
            *("" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value) for value in row)
        )
    Console().print(table)
