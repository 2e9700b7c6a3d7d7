"""Disclosure control: the gate before anything leaves a site."""

from .findings import Finding as Finding
from .gate import check as check
from .gate import refuse as refuse
from .ledger import ReleaseLedger as ReleaseLedger
from .ledger import release_ledger as release_ledger
from .rules import Rules as Rules
from .rules import rules_of as rules_of
from .suppression import coarsen_steps as coarsen_steps
from .suppression import stop_where_few_remain as stop_where_few_remain
from .suppression import suppress_counts as suppress_counts
from .traces import Traces as Traces
from .traces import traces_of as traces_of
