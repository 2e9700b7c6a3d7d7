"""Monitoring of batches: multiway models, golden batch, limits that keep a promised rate of false alarms."""

from .alignment import ByIndicator as ByIndicator
from .alignment import ByTime as ByTime
from .alignment import ByWarping as ByWarping
from .combined import CombinedMonitor as CombinedMonitor
from .golden_batch import GoldenBatch as GoldenBatch
from .golden_batch import golden_batch as golden_batch
from .multiway import BatchMonitor as BatchMonitor
from .multiway_pca import MultiwayPCA as MultiwayPCA
from .multiway_pls import MultiwayPLS as MultiwayPLS
from .multiway_pls import QualityMonitor as QualityMonitor
from .verdict import TooEarlyError as TooEarlyError
from .verdict import Verdict as Verdict
