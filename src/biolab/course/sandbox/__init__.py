"""A place where a stranger's code can run: what it may see and use is said here, and everything else is not there."""

from .running import Ending as Ending
from .running import Limits as Limits
from .running import Outcome as Outcome
from .running import Strength as Strength
from .running import require_sandbox as require_sandbox
from .running import run_sandboxed as run_sandboxed
from .running import sandbox_fault as sandbox_fault
