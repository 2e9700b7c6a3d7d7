"""The module MLflow loads a released model with: a pandas frame in, risk score and survival out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

if TYPE_CHECKING:
    import pandas as pd


class _Released(Protocol):
    def table(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return one row a patient: the risk score and survival at the protocol's horizons."""
        ...


@dataclass(frozen=True, kw_only=True)
class SurvivalPyfunc:
    """A released survival model as MLflow calls it."""

    model: _Released

    def predict(self, model_input: "pd.DataFrame", params: dict[str, object] | None = None) -> "pd.DataFrame":
        """Predict ``risk_score`` and ``survival_<time>``, the probability of no event until each protocol horizon.

        ``params`` is part of MLflow's interface; these models have no prediction parameters.
        """
        return self.model.table(pl.from_pandas(model_input)).to_pandas()


def _load_pyfunc(path: str) -> SurvivalPyfunc:
    """Load the released model in a folder; the name is MLflow's."""
    from biolab.survival import ReleasedModel

    return SurvivalPyfunc(model=ReleasedModel.load(Path(path)))
