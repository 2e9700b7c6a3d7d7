"""A digital plant: recipes, batches that run, break and are explained, and the records they leave."""

from .alarm_limits import Alarm as Alarm
from .alarms import alarm_events as alarm_events
from .alarms import alarms as alarms
from .alarms import with_alarms as with_alarms
from .cho import CHOFedBatch as CHOFedBatch
from .ecoli import EcoliFedBatch as EcoliFedBatch
from .faults import read_faults as read_faults
from .plants import plant_named as plant_named
from .reactor import Instruments as Instruments
from .reactor import Reactor as Reactor
from .recipe import Controller as Controller
from .recipe import Phase as Phase
from .recipe import Recipe as Recipe
from .recipe import SetPoints as SetPoints
from .recipe import Vessel as Vessel
from .recipe_checks import check_setpoint as check_setpoint
from .recipe_file import recipe_names as recipe_names
from .record import AuditTrail as AuditTrail
from .record import BatchRecord as BatchRecord
from .record import Deviation as Deviation
from .record import TamperedRecord as TamperedRecord
from .record import batch_record as batch_record
from .record import tampered as tampered
from .simulate import BatchResult as BatchResult
from .simulate import simulate as simulate
