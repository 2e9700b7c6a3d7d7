"""The control room of a running batch: trends, set-points, alarms, an operator's actions, and a clock."""

from .console import Console as Console
from .console import Standing as Standing
from .room import ControlRoom as ControlRoom
from .room import control_room as control_room
from .view import record_view as record_view
