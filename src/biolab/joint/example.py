"""Made-up patients that show a model's input: middle values of the codebook, nobody's row."""

from collections.abc import Sequence

import polars as pl

from biolab.data import Variable
from biolab.survival import Design


def synthetic_patients(design: Design) -> pl.DataFrame:
    """Return two made-up patients with a model's variables, from its codebook's ranges and codes alone."""
    return middle_values([design.codebook[term.variable] for term in design.terms])


def middle_values(variables: Sequence[Variable]) -> pl.DataFrame:
    """Return two made-up values of each variable, a column a variable."""
    return pl.DataFrame(
        {variable.name: _two_values(variable) for variable in variables},
        schema={variable.name: variable.dtype for variable in variables},
    )


def _two_values(variable: Variable) -> list[object]:
    match variable.type:
        case "category":
            return [variable.codes[0], variable.codes[-1]]
        case "boolean":
            return [False, True]
        case _ if variable.minimum is None and variable.maximum is None:
            return [0, 1]
        case _:
            low = 0.0 if variable.minimum is None else variable.minimum
            high = low + 100.0 if variable.maximum is None else variable.maximum
            return [round(low + share * (high - low)) for share in (0.25, 0.5)]
