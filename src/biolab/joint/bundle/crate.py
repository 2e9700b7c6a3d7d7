"""RO-Crate metadata of a bundle, so that archives and catalogues can describe it without biolab."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from biolab.core import canonical_json
from biolab.joint.manifest import Manifest

FILE = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_TYPES = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".csv": "text/csv",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".html": "text/html",
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".sig": "text/plain",
}


def describe_crate(manifests: Sequence[Manifest], files: Mapping[str, bytes]) -> bytes:
    """Return ``ro-crate-metadata.json`` for the files of a bundle.

    References
    ----------
    Soiland-Reyes et al. (2022), Data Science 5(2):97-138, doi:10.3233/DS-210053; RO-Crate 1.1.
    """
    first = manifests[0]
    site, protocol = first.run.site, first.protocol
    parts = [_file(path, content) for path, content in sorted(files.items()) if path != FILE]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{protocol.name} {protocol.version}: results of {site}",
        "description": "Aggregate results of one site under a joint protocol, signed by the site: settings, metrics "
        "with intervals, tables and released models. No patient's row is in it.",
        "datePublished": datetime.fromtimestamp(max(each.run.ended for each in manifests) / 1000, tz=UTC).isoformat(),
        "identifier": [each.run_digest for each in manifests],
        "license": {"@id": "#terms"},
        "author": {"@id": "#site"},
        "hasPart": [{"@id": each["@id"]} for each in parts],
    }
    graph = [
        {
            "@id": FILE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": SPECIFICATION},
            "about": {"@id": "./"},
        },
        root,
        {"@id": "#site", "@type": "Organization", "name": site},
        {
            "@id": "#terms",
            "@type": "CreativeWork",
            "name": f"Terms of the joint protocol {protocol.name} {protocol.version}",
            "description": "For the joint experiment under this protocol and its release rules; any other use is "
            f"agreed with the site. SHA-256 of the protocol: {protocol.sha256}",
        },
        *parts,
    ]
    return canonical_json({"@context": f"{SPECIFICATION}/context", "@graph": graph})


def _file(path: str, content: bytes) -> dict[str, object]:
    kind = _TYPES.get(path[path.rfind(".") :], "application/octet-stream")
    return {
        "@id": quote(path),
        "@type": "File",
        "name": path.rsplit("/", 1)[-1],
        "encodingFormat": kind,
        "contentSize": str(len(content)),
    }
