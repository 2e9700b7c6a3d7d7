"""The example of a model's input is made up from the codebook alone."""

from biolab.joint import Protocol, build_model
from biolab.joint.example import synthetic_patients


def test_values_stand_in_the_codebook_and_need_no_cohort(real_protocol: Protocol) -> None:
    for spec in real_protocol.models:
        design = build_model(spec, real_protocol.codebook, tau=60, seed=0).design
        frame = synthetic_patients(design)
        assert frame.columns == [term.variable for term in spec.terms]
        assert frame.height == 2
        for variable in (real_protocol.codebook[name] for name in frame.columns):
            assert frame[variable.name].dtype == variable.dtype
            if variable.minimum is not None and variable.maximum is not None:
                assert frame[variable.name].is_between(variable.minimum, variable.maximum).all()
