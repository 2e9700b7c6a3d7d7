import pytest

from biolab.genotypes import Genotypes, genotypes_from_dosage

from .draws import drawn


@pytest.fixture
def genotypes() -> Genotypes:
    return genotypes_from_dosage(drawn(40, 61, 0))
