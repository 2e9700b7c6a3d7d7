"""A fitted model as it may leave a site: numbers without rows, in JSON that any version can read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

import numpy as np
import polars as pl

from biolab.core import ConfigError, write_atomically
from biolab.core.arrays import Float

from .design import Design
from .prediction import Prediction
from .released_trees import ReleasedTrees

FORMAT = "biolab.released-model/1"
FILE = "model.json"


class AbstractHazard(Interface):
    """Cumulative hazards on a grid of times, from a design matrix."""

    def cumulative_hazard(self, matrix: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n t"]:
        """Return the cumulative hazard of each row at each grid time."""
        ...


@dataclass(frozen=True, kw_only=True)
class ReleasedCox:
    """Coefficients and the cumulative baseline hazard on the grid: H(t | x) = H0(t) exp(x @ coefficients)."""

    coefficients: tuple[float, ...]
    baseline: tuple[float, ...]

    def cumulative_hazard(self, matrix: Float[np.ndarray, "n p"]) -> Float[np.ndarray, "n t"]:
        """Return H0 on the grid times the hazard ratio of each row."""
        return np.exp(matrix @ np.asarray(self.coefficients))[:, None] * np.asarray(self.baseline)


HAZARDS = {"cox": ReleasedCox, "boosted_hazard": ReleasedTrees}


@dataclass(frozen=True, kw_only=True)
class ReleasedModel:
    """Predicts from a harmonised frame on a fixed grid of times; holds nothing finer than its grid.

    Parameters
    ----------
    kind
        Which hazard it is, as in ``HAZARDS``.
    design
        How variables become columns, as learned at the site.
    hazard
        Coefficients or trees.
    grid
        Times of the survival curve, in the codebook's time unit; the last is the time of the risk score.
    horizons
        Times at which ``table`` reports survival.
    """

    kind: str
    design: Design
    hazard: ReleasedCox | ReleasedTrees
    grid: tuple[float, ...]
    horizons: tuple[float, ...]

    def predict(self, frame: pl.DataFrame) -> Prediction:
        """Return survival on the grid and, as risk score, the log cumulative hazard at the grid's end.

        For proportional hazards the score is the log-hazard plus a constant; for every model it is on a scale on which
        predictions of different folds and sites can be ranked together.
        """
        cumulative = self.hazard.cumulative_hazard(self.design.transform(frame))
        return Prediction(
            risk_score=np.log(cumulative[:, -1]), survival=np.exp(-cumulative), times=np.asarray(self.grid)
        )

    def table(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return ``risk_score`` and the survival probability at each horizon, ``survival_24_months`` and so on."""
        prediction = self.predict(frame)
        at = np.searchsorted(prediction.times, self.horizons)
        unit = f"{self.design.codebook.time.unit}s"
        curves = {
            f"survival_{time:g}_{unit}": prediction.survival[:, i] for time, i in zip(self.horizons, at, strict=True)
        }
        return pl.DataFrame({"risk_score": prediction.risk_score, **curves})

    def save(self, folder: Path) -> Path:
        """Write ``model.json`` into a folder."""
        content = {
            "format": FORMAT,
            "kind": self.kind,
            "design": self.design.to_dict(),
            "hazard": asdict(self.hazard),
            "grid": self.grid,
            "horizons": self.horizons,
        }
        return write_atomically(folder / FILE, json.dumps(content, ensure_ascii=False, allow_nan=False))

    @classmethod
    def load(cls, folder: Path) -> "ReleasedModel":
        """Read a model that ``save`` wrote.

        Raises
        ------
        ConfigError
            If the folder holds no released model, or one of another format.
        """
        file = folder / FILE
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{file} is not a released model: {error}") from error
        if content.get("format") != FORMAT:
            raise ConfigError(f"{file} has format {content.get('format')!r}; this version reads {FORMAT!r}.")
        return cls(
            kind=content["kind"],
            design=Design.from_dict(content["design"]),
            hazard=_hazard(content["kind"], content["hazard"]),
            grid=tuple(content["grid"]),
            horizons=tuple(content["horizons"]),
        )


def _hazard(kind: str, content: Mapping[str, Any]) -> ReleasedCox | ReleasedTrees:
    if kind == "cox":
        return ReleasedCox(coefficients=tuple(content["coefficients"]), baseline=tuple(content["baseline"]))
    return ReleasedTrees.from_dict(content)
