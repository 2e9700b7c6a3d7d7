"""Which patients a study takes: rules on harmonised variables, each with the reason for leaving a patient out."""

from typing import Literal, Self

import polars as pl
from pydantic import model_validator

from biolab.core import ConfigError
from biolab.core.validation import Settings

from .codebook import Codebook, Label

MissingPolicy = Literal["refuse", "drop", "impute"]


class Eligibility(Settings):
    """One rule: the value of a variable lies in a closed range, or is one of a list of codes.

    >>> Eligibility(variable="nodes", minimum=1, reason="No positive lymph node").reason["en"]
    'No positive lymph node'
    """

    variable: str
    reason: Label
    minimum: float | None = None
    maximum: float | None = None
    one_of: tuple[str | bool, ...] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        ranged = self.minimum is not None or self.maximum is not None
        if ranged == (self.one_of is not None):
            raise ValueError("an eligibility rule has minimum or maximum, or else one_of")
        return self

    def met(self, codebook: Codebook) -> pl.Expr:
        """Return the expression that is true for eligible patients; a missing value is not eligible.

        Raises
        ------
        ConfigError
            If the codebook has no such variable, or its type does not go with the rule.
        """
        variable = codebook[self.variable]
        value = pl.col(self.variable)
        if self.one_of is None:
            if variable.type not in {"number", "integer"}:
                raise ConfigError(f"Eligibility by {self.variable!r}: a range needs numbers, not {variable.type!r}.")
            above = value >= self.minimum if self.minimum is not None else pl.lit(value=True)
            below = value <= self.maximum if self.maximum is not None else pl.lit(value=True)
            return (above & below & value.is_not_null()).fill_null(value=False)
        known = variable.codes if variable.type == "category" else (False, True) if variable.type == "boolean" else ()
        unknown = [code for code in self.one_of if code not in known]
        if unknown:
            expected = ", ".join(repr(code) for code in known) or "a range, as it is a number or text"
            raise ConfigError(f"Eligibility by {self.variable!r}: {unknown[0]!r} is not a code; expected {expected}.")
        return value.is_in(list(self.one_of)).fill_null(value=False)
