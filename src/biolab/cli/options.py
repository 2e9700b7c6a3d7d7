"""Options that several commands share, and how results are printed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from biolab.tracking import Store

Language = Literal["en", "ko"]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object instead of text.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class StoreOptions:
    """Where runs are kept.

    Parameters
    ----------
    tracking_uri
        MLflow tracking server or store; by default a SQLite store inside the output folder.
    output
        Folder for the report, the embedded store and its artifacts.
    """

    tracking_uri: Annotated[str | None, Parameter(env_var="BIOLAB_TRACKING_URI")] = None
    output: Path = Path("biolab-output")

    def open(self) -> "Store":
        """Open the store, checking that it can be reached and written."""
        from biolab.tracking import open_store

        store = open_store(self.tracking_uri, self.output)
        store.check()
        return store


def print_json(content: object) -> None:
    """Print one JSON object, non-ASCII text as it is."""
    print(json.dumps(content, ensure_ascii=False, indent=2))
