"""Whether data can tell the coefficients apart, said in the names of the columns."""

from collections.abc import Iterable, Sequence

import numpy as np

from biolab.core.arrays import Bool, Float
from biolab.core.errors import FitError

# relative to columns scaled to unit information; R's coxph calls a Cholesky pivot under 2e-12 singular
_SINGULAR = 1e-11
_REMEDY = "Drop a column or add a penalty, e.g. CoxPH(penalty=Ridge(1.0))."


def check_information(information: Float[np.ndarray, "p p"], names: Sequence[str], events: int) -> None:
    """Refuse an information matrix that is singular, naming the columns at fault.

    Raises
    ------
    FitError
        If a column does not vary among the patients at risk, or some columns are linearly dependent there.
    """
    diagonal = np.diag(information)
    flat = diagonal <= _SINGULAR * max(float(diagonal.max(initial=0.0)), 1.0)
    if flat.any():
        raise FitError(
            f"{_listed(names, flat)} never varies among the patients at risk when an event happens, so its hazard "
            f"ratio cannot be estimated. {_REMEDY}"
        )
    scale = np.sqrt(diagonal)
    eigenvalues, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if eigenvalues[0] > _SINGULAR:
        return
    null = np.abs(vectors[:, 0])
    few = f" There are {len(names)} columns and only {events} events." if events <= len(names) else ""
    raise FitError(
        f"{_listed(names, null > 0.1 * null.max())} are linearly dependent (duplicated, or one is made of the others), "
        f"so their hazard ratios cannot be told apart.{few} {_REMEDY}"
    )


def separation_error(names: Sequence[str], runaway: Bool[np.ndarray, " p"], events: int) -> FitError:
    """Describe a likelihood that rises without end as some coefficients grow."""
    return FitError(
        f"The likelihood keeps rising as the coefficient of {_listed(names, runaway)} grows: at each of the {events} "
        "events it ranks the patient highest (or lowest) among those at risk, so the hazard ratio has no finite "
        f"estimate (separation). {_REMEDY}"
    )


def _listed(names: Sequence[str], chosen: Iterable[bool]) -> str:
    found = [repr(name) for name, yes in zip(names, chosen, strict=True) if yes]
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    kind = "Column" if len(found) == 1 else "Columns"
    return f"{kind} {', '.join(found[:6])}{more}"
