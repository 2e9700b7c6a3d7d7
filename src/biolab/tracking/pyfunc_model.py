"""The module MLflow loads a released model with: a pandas frame in, risk score and survival out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

from biolab.core.arrays import Float

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class _Prediction(Protocol):
    @property
    def risk_score(self) -> "Float[np.ndarray, ' n']": ...

    @property
    def survival(self) -> "Float[np.ndarray, 'n t']": ...


class _Released(Protocol):
    @property
    def horizons(self) -> tuple[float, ...]: ...

    def predict(self, frame: pl.DataFrame, times: tuple[float, ...]) -> _Prediction: ...


@dataclass(frozen=True, kw_only=True)
class SurvivalPyfunc:
    """A released survival model as MLflow calls it."""

    model: _Released

    def predict(self, model_input: "pd.DataFrame", params: dict[str, object] | None = None) -> "pd.DataFrame":
        """Predict ``risk_score`` and ``survival_<months>m``, the probability of no event until each protocol horizon.

        ``params`` is part of MLflow's interface; these models have no prediction parameters.
        """
        horizons = self.model.horizons
        prediction = self.model.predict(pl.from_pandas(model_input), horizons)
        survival = {survival_column(month): prediction.survival[:, t] for t, month in enumerate(horizons)}
        return pl.DataFrame({"risk_score": prediction.risk_score} | survival).to_pandas()


def survival_column(month: float) -> str:
    """Name the column of the survival probability at a horizon in months.

    >>> survival_column(60.0), survival_column(7.5)
    ('survival_60m', 'survival_7.5m')
    """
    return f"survival_{month:g}m"


def _load_pyfunc(path: str) -> SurvivalPyfunc:
    """Load the released model in a folder; the name is MLflow's."""
    from biolab.survival import ReleasedModel

    return SurvivalPyfunc(model=ReleasedModel.load(Path(path)))
