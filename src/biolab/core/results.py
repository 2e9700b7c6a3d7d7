"""What every result offers: its settings, its metrics and a table."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:  # the kernels import core on machines without polars
    import polars as pl


@runtime_checkable
class AbstractResult(Protocol):
    """A frozen outcome of a computation, free of patient rows."""

    @property
    def settings(self) -> dict[str, object]:
        """Everything chosen before the computation, JSON-able."""
        ...

    @property
    def metrics(self) -> dict[str, float]:
        """Flat numbers for MLflow; an estimate brings ``.lower`` and ``.upper``."""
        ...

    def table(self) -> "pl.DataFrame":
        """Return the result as a tidy frame, one row an estimate."""
        ...
