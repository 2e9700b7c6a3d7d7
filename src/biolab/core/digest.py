"""Canonical JSON and its SHA-256: the same content gives the same digest on every machine."""

import hashlib
import json


def canonical_json(content: object) -> bytes:
    """Serialise JSON-able content with sorted keys, no spaces, UTF-8 and no NaN.

    >>> canonical_json({"b": 1, "a": [1.5, None]})
    b'{"a":[1.5,null],"b":1}'

    Raises
    ------
    ValueError
        If the content holds NaN or infinity, which JSON cannot say.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256_hex(content: bytes) -> str:
    """Return the SHA-256 digest of bytes as lower-case hexadecimal."""
    return hashlib.sha256(content).hexdigest()
