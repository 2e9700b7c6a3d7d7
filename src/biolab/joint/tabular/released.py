"""A fitted model of a class or a number as it may leave a site: coefficients or trees in JSON, no rows."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from scipy.special import expit

from biolab.core import ConfigError, write_atomically
from biolab.core.arrays import Float
from biolab.survival import Design, Tree

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "biolab.released-tabular/1"
FILE = "model.json"
Kind = Literal["binary", "number"]


@dataclass(frozen=True, kw_only=True)
class ReleasedTabular:
    """Predicts a probability (binary) or a number from a harmonised frame.

    intercept + design @ coefficients + sum of trees; through the logistic function if binary

    Parameters
    ----------
    kind
        What is predicted.
    design
        How variables become columns, as learned at the site.
    intercept, coefficients, trees
        A linear model has no trees, boosted trees no coefficients.
    """

    kind: Kind
    design: Design
    intercept: float
    coefficients: tuple[float, ...] = ()
    trees: tuple[Tree, ...] = ()

    def predict(self, frame: pl.DataFrame) -> Float[np.ndarray, " n"]:
        """Return the probability of the positive code, or the number, for each patient."""
        matrix = self.design.transform(frame)
        raw = np.full(len(matrix), self.intercept)
        if self.coefficients:
            raw += matrix @ np.asarray(self.coefficients)
        for tree in self.trees:
            raw += np.asarray(tree.value)[tree.leaves(matrix)]
        return expit(raw) if self.kind == "binary" else raw

    def table(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the prediction as the column ``probability`` or ``prediction``."""
        return pl.DataFrame({"probability" if self.kind == "binary" else "prediction": self.predict(frame)})

    def save(self, folder: Path) -> Path:
        """Write ``model.json`` into a folder."""
        content = {
            "format": FORMAT,
            "kind": self.kind,
            "design": self.design.to_dict(),
            "intercept": self.intercept,
            "coefficients": self.coefficients,
            "trees": [asdict(tree) for tree in self.trees],
        }
        return write_atomically(folder / FILE, json.dumps(content, ensure_ascii=False, allow_nan=False))

    @classmethod
    def load(cls, folder: Path) -> "ReleasedTabular":
        """Read a model that ``save`` wrote.

        Raises
        ------
        ConfigError
            If the folder holds no such model, or one of another format.
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
            intercept=content["intercept"],
            coefficients=tuple(content["coefficients"]),
            trees=tuple(Tree(**{name: tuple(values) for name, values in tree.items()}) for tree in content["trees"]),
        )


@dataclass(frozen=True, kw_only=True)
class TabularPyfunc:
    """A released model as MLflow calls it."""

    model: ReleasedTabular

    def predict(self, model_input: "pd.DataFrame", params: dict[str, object] | None = None) -> "pd.DataFrame":
        """Predict ``probability`` or ``prediction``; ``params`` is part of MLflow's interface and not used."""
        return self.model.table(pl.from_pandas(model_input)).to_pandas()


def _load_pyfunc(path: str) -> TabularPyfunc:
    """Load the released model in a folder; the name is MLflow's."""
    return TabularPyfunc(model=ReleasedTabular.load(Path(path)))
