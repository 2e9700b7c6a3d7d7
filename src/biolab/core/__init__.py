"""What every room stands on: errors with exit codes, array types, seeds, digests and what results offer."""

from .digest import canonical_json as canonical_json
from .digest import sha256_hex as sha256_hex
from .errors import BiolabError as BiolabError
from .errors import ConfigError as ConfigError
from .errors import DataError as DataError
from .errors import DisclosureError as DisclosureError
from .errors import FitError as FitError
from .errors import MissingExtraError as MissingExtraError
from .errors import TrackingError as TrackingError
from .estimate import Estimate as Estimate
from .files import write_atomically as write_atomically
from .results import AbstractResult as AbstractResult
from .seeds import spawn_seed as spawn_seed
from .suggestions import did_you_mean as did_you_mean
