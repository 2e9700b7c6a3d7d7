"""Which models a validation judged: one, or the members of a pool."""

import json
from collections.abc import Mapping

from biolab.tracking import RunRecord, conventions


def judged_models(validation: RunRecord) -> tuple[str, ...]:
    """Name the runs whose models were judged: by digests, which hold in every store, or identifiers in this one."""
    digests = validation.tags.get(conventions.MODEL_RUN_DIGEST)
    return judged_run_ids(validation.params) if digests is None else tuple(digests.split())


def judged_run_ids(params: Mapping[str, str]) -> tuple[str, ...]:
    """Name the judged runs by their identifiers in the store where the validation was made.

    >>> judged_run_ids({"model_run_id": "a1"}), judged_run_ids({"member_run_ids": '["a1", "b2"]'})
    (('a1',), ('a1', 'b2'))
    """
    if "member_run_ids" in params:
        return tuple(json.loads(params["member_run_ids"]))
    return (params["model_run_id"],) if "model_run_id" in params else ()
