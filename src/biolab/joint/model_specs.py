"""The models a protocol can name, each with the settings it may be given; nothing else is ever fitted."""

import math
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from biolab.core.validation import Settings
from biolab.data import Label

Months = PositiveFloat


class Term(Settings):
    """A variable of the codebook in a model, numbers optionally as log(1 + x).

    ``per`` is the step a hazard ratio of a number is stated for, in its unit; of log(1 + x) it is stated per doubling.
    """

    variable: str
    transform: Literal["identity", "log1p"] = "identity"
    per: PositiveFloat = 1.0


class RidgeChoice(Settings):
    """Ridge penalty whose strength cross-validated partial likelihood chooses."""

    kind: Literal["ridge"] = "ridge"
    strengths: Annotated[tuple[PositiveFloat, ...], Field(min_length=2)]
    folds: Annotated[int, Field(ge=2)] = 5


class Named(Settings):
    """What every model is called."""

    name: str
    label: Label
    description: Label


class CoxSpec(Named):
    """Cox proportional hazards model on the terms."""

    kind: Literal["cox"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    ties: Literal["efron", "breslow"] = "efron"
    penalty: RidgeChoice | None = None


class BoostedHazardSpec(Named):
    """Gradient-boosted discrete-time hazard on person-periods of ``interval`` months."""

    kind: Literal["boosted_hazard"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    interval: Months = 6.0
    iterations: PositiveInt = 100
    learning_rate: PositiveFloat = 0.05
    leaves: Annotated[int, Field(ge=2)] = 6
    leaf_size: PositiveInt = 200


class SignatureSpec(Named):
    """Sparse Cox model on a panel: elastic net, its strength by cross-validated partial likelihood along a path.

    Only strengths that keep at most ``release.parameters_per_patient`` features a patient are candidates, so that what
    is fitted can be released.
    """

    kind: Literal["signature"]
    panel: str
    l1_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    strengths: Annotated[int, Field(ge=5)] = 30
    lambda_ratio: Annotated[float, Field(gt=0, lt=1)] = 0.1
    folds: Annotated[int, Field(ge=2)] = 5
    rule: Literal["min", "one_standard_error"] = "min"


class IndexSpec(Named):
    """Mean of named features of a panel, not trained: a log-hazard of 1 a unit. Only its baseline hazard is fitted."""

    kind: Literal["index"]
    panel: str
    features: Annotated[tuple[str, ...], Field(min_length=1)]


class LogisticSpec(Named):
    """Logistic regression with a ridge penalty; cross-validated log loss chooses the strength among ``strengths``."""

    kind: Literal["logistic"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    strengths: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (0.01, 0.1, 1, 10, 100)
    folds: Annotated[int, Field(ge=2)] = 5


class RidgeSpec(Named):
    """Linear regression with a ridge penalty; cross-validated squared error chooses the strength."""

    kind: Literal["ridge"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    strengths: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (0.01, 0.1, 1, 10, 100)
    folds: Annotated[int, Field(ge=2)] = 5


class BoostedTreesSpec(Named):
    """Gradient-boosted trees of a class or a number; cross-validation chooses among all settings of the search space.

    No leaf may rest on fewer than ``leaf_size`` patients, which must be at least the protocol's minimum cell.
    """

    kind: Literal["boosted_trees"]
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    iterations: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (100,)
    leaves: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(min_length=1)] = (6,)
    learning_rates: Annotated[tuple[PositiveFloat, ...], Field(min_length=1)] = (0.05,)
    leaf_size: PositiveInt = 20
    folds: Annotated[int, Field(ge=2)] = 5


ModelSpec = Annotated[
    CoxSpec | BoostedHazardSpec | SignatureSpec | IndexSpec | LogisticSpec | RidgeSpec | BoostedTreesSpec,
    Field(discriminator="kind"),
]
TermsSpec = CoxSpec | BoostedHazardSpec
PanelSpec = SignatureSpec | IndexSpec
TabularSpec = LogisticSpec | RidgeSpec | BoostedTreesSpec
OUTCOMES = {
    "cox": {"survival"},
    "boosted_hazard": {"survival"},
    "signature": {"survival"},
    "index": {"survival"},
    "logistic": {"binary"},
    "ridge": {"number"},
    "boosted_trees": {"binary", "number"},
}
"""Which endpoints each kind of model predicts."""


def refuse_small_leaves(spec: BoostedHazardSpec, tau: float, minimum_cell: int) -> None:
    """Refuse leaves that could rest on fewer patients than the minimum cell.

    Raises
    ------
    ValueError
        Says how many person-periods a leaf needs.
    """
    # A patient adds at most one row an interval: so many rows in a leaf are at least a minimum cell of patients.
    needed = minimum_cell * math.ceil(tau / spec.interval)
    if spec.leaf_size < needed:
        raise ValueError(
            f"models.{spec.name}.leaf_size is {spec.leaf_size}; {needed} person-periods are needed so that every leaf "
            f"rests on at least {minimum_cell} patients"
        )
