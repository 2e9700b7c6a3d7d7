"""The plants by the names that recipes call them."""

from .cho import CHOFedBatch
from .ecoli import EcoliFedBatch
from .recipe import PlantName
from .schedule import Plant


def plant_named(name: PlantName) -> Plant:
    """Return a plant with its standard parameters.

    >>> plant_named("ecoli-fed-batch").name
    'ecoli-fed-batch'
    """
    return EcoliFedBatch() if name == "ecoli-fed-batch" else CHOFedBatch()
