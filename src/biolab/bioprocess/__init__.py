"""A digital plant: recipes, batches that run, break and are explained, and the records they leave."""

from .alarm_limits import Alarm as Alarm
from .recipe import Controller as Controller
from .recipe import Phase as Phase
from .recipe import Recipe as Recipe
from .recipe import SetPoints as SetPoints
from .recipe import Vessel as Vessel
from .recipe_checks import check_setpoint as check_setpoint
from .recipe_file import recipe_names as recipe_names
