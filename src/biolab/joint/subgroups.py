"""Whether the models are as good for everyone: measures by subgroup, as tables that may leave a site."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from biolab.core import spawn_seed
from biolab.data import Cohort

from .endpoints import Subgroup
from .fitting import Prediction
from .outcomes import outcome_kind
from .protocol import Protocol

SUBGROUP_SCHEMA = (
    dict.fromkeys(("variable", "subgroup"), pl.String)
    | dict.fromkeys(("patients", "events"), pl.Int64)
    | dict.fromkeys(("model", "metric"), pl.String)
    | dict.fromkeys(("horizon", "estimate", "standard_error", "lower", "upper"), pl.Float64)
    | {"replicates": pl.Int64, "train_site": pl.String, "test_site": pl.String}
)
DIFFERENCE_SCHEMA = (
    dict.fromkeys(("variable", "subgroup", "model", "metric"), pl.String)
    | dict.fromkeys(
        ("horizon", "difference", "standard_error", "lower", "upper", "p_value", "adjusted_p_value"), pl.Float64
    )
    | {"replicates": pl.Int64, "train_site": pl.String, "test_site": pl.String}
)


def subgroup_tables(
    protocol: Protocol, cohort: Cohort, predictions: Mapping[str, Prediction], *, sites: tuple[str, str]
) -> dict[str, pl.DataFrame]:
    """Return the tables ``subgroups`` and ``subgroup_differences`` of models fitted and judged at ``sites``.

    Groups under twice the minimum cell or under the minimum of events are withheld, and with them the count of the
    smallest other group where a total would give them away.
    """
    where = {"train_site": pl.lit(sites[0]), "test_site": pl.lit(sites[1])}
    rows = [pl.DataFrame(schema=SUBGROUP_SCHEMA)]
    differences = [pl.DataFrame(schema=DIFFERENCE_SCHEMA)]
    for group in protocol.subgroups:
        seed = spawn_seed(protocol.evaluation.seed, sites[1], "subgroups", group.variable)
        labels = group_labels(group, cohort.frame)
        found, apart = outcome_kind(protocol).subgroups(cohort, predictions, labels, seed=seed)
        named = {"variable": pl.lit(group.variable), **where}
        rows.append(found.with_columns(**named).select(*SUBGROUP_SCHEMA))
        differences.append(apart.with_columns(**named).select(*DIFFERENCE_SCHEMA))
    return {"subgroups": pl.concat(rows), "subgroup_differences": pl.concat(differences)}


def group_labels(group: Subgroup, frame: pl.DataFrame) -> np.ndarray:
    """Return the name of each patient's group; a missing value is the group "missing".

    >>> group_labels(Subgroup(variable="age", cut=(50,)), pl.DataFrame({"age": [41.0, 50.0, None]})).tolist()
    ['<50', '>=50', 'missing']
    """
    values = frame[group.variable]
    if not group.cut:
        return np.array(values.cast(pl.String).fill_null("missing").to_list(), dtype=object)
    place = np.searchsorted(group.cut, values.cast(pl.Float64).fill_null(0.0).to_numpy(), side="right")
    named = np.array(group.names, dtype=object)[place]
    return np.where(values.is_null().to_numpy(), "missing", named)
