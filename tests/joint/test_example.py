"""The example of a model's input is made up from the codebook alone."""

from biolab.joint import Protocol
from biolab.joint.example import synthetic_patients


def test_values_stand_in_the_codebook_and_need_no_cohort(real_protocol: Protocol) -> None:
    for spec in real_protocol.models:
        frame = synthetic_patients(real_protocol, spec)
        assert frame.columns == [term.variable for term in spec.terms]
        assert frame.height == 2
        for variable in (real_protocol.codebook[name] for name in frame.columns):
            assert frame[variable.name].dtype == variable.dtype
            if variable.minimum is not None and variable.maximum is not None:
                assert frame[variable.name].is_between(variable.minimum, variable.maximum).all()
