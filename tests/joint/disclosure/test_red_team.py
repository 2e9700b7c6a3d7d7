"""Every leak of the corpus is refused, by the protocol's rules and the site's own patients."""

from dataclasses import replace
from pathlib import Path

import pytest

from biolab.core import DisclosureError
from biolab.data import Cohort
from biolab.joint import Protocol
from biolab.joint.disclosure import Rules, Traces, check, refuse, rules_of, traces_of

from .leaks import LEAKS, World

KNOWN_ONLY_BY_THE_COHORT = {
    "exact_value_in_param",
    "few_rows_in_page",
    "hashed_identifiers",
    "identifier_in_exception_text",
    "identifier_in_file_name",
    "identifier_in_tag",
    "identifiers_as_keys",
    "one_patient_among_aggregates",
    "patients_named_in_figure",
    "two_rows_under_opaque_names",
    "exact_median",
}
"""All others are refused without the patients, too."""


@pytest.fixture(scope="module")
def rules(protocol: Protocol, north: Cohort) -> Rules:
    return replace(rules_of(protocol), cohort_size=north.patients)


@pytest.fixture(scope="module")
def traces(north: Cohort, rules: Rules) -> Traces:
    return traces_of(north.frame, rules)


def test_corpus_is_large() -> None:
    assert len(LEAKS) >= 120


@pytest.mark.parametrize("name", LEAKS)
def test_leak_is_refused(
    name: str, north: Cohort, protocol: Protocol, rules: Rules, traces: Traces, tmp_path: Path
) -> None:
    leaving = LEAKS[name](World(cohort=north, protocol=protocol, folder=tmp_path))
    found = check(leaving, rules, cohort=traces)
    assert found, f"{name} would have left"
    told = "\n".join(str(finding) for finding in found)
    assert not any(patient in told for patient in north.frame["patient"])
    with pytest.raises(DisclosureError, match="Nothing has left"):
        refuse(leaving, rules, cohort=traces)
    assert check(leaving, rules) or name in KNOWN_ONLY_BY_THE_COHORT
