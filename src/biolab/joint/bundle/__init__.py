"""Signed runs on their way from a site to others: written, verified and taken in as one zip file."""

from .exporting import BundleFacts as BundleFacts
from .exporting import export_bundle as export_bundle
from .importing import ImportReport as ImportReport
from .importing import import_bundle as import_bundle
from .importing import protocol_of_bundle as protocol_of_bundle
from .verification import BundleReport as BundleReport
from .verification import verify as verify
