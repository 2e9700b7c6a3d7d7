"""Batch records after ALCOA+: attributable, legible, contemporaneous, original, accurate - and complete."""

from .batch_record import BatchRecord as BatchRecord
from .deviations import Deviation as Deviation
from .seals import Finding as Finding
from .tampering import TamperedRecord as TamperedRecord
from .tampering import tampered as tampered
from .trail import AuditEntry as AuditEntry
from .trail import AuditTrail as AuditTrail
from .writing import batch_record as batch_record
