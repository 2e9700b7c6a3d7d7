"""Texts that name a person: identifiers, addresses, numbers of offices, exact dates; and what hides in base64."""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import unquote_to_bytes

from .findings import Finding

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_IN_MONTH, _IN_YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
# A machine's own moment, with seconds and offset: when a run started, never when a patient was seen.
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]00:?00| UTC)")
_VERSION = re.compile(r"(?:==|>=|<=|~=)\s*[\w.+!-]+")
BLOB = re.compile(r"(?<![A-Za-z0-9+/_=-])(?:[A-Za-z0-9+/]{64,}|[A-Za-z0-9_-]{64,})={0,2}(?![A-Za-z0-9+/_-])")
HEX = re.compile(r"[0-9a-fA-F]+")
DATA_URI = re.compile(r"data:([a-z0-9.+/-]*)((?:;[a-z0-9=._-]+)*),([^\"'\s)>]*)", re.IGNORECASE)
LONGEST_HEX = 128

PATTERNS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (rule, what, re.compile(pattern, re.IGNORECASE))
    for rule, what, pattern in (
        ("e-mail", "an e-mail address", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}"),
        ("office-number", "a social security number", r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-])"),
        ("office-number", "an NHS number", r"\bnhs\W{0,3}(?:no\.?|number)?\W{0,3}\d{3}[ -]?\d{3}[ -]?\d{4}\b"),
        ("phone", "a telephone number", r"(?<![\w.+-])01[016-9][- .]?\d{3,4}[- .]?\d{4}(?![\w.])"),
        ("phone", "a telephone number", r"(?<![\w.])\+\d{1,3}[- .]?\(?\d{1,4}\)?[- .]\d{3,4}[- .]?\d{3,4}(?![\w.])"),
        ("phone", "a telephone number", r"(?<![\w.])\(?\d{3}\)?[- ]\d{3}-\d{4}(?!\w)"),
        ("phone", "a telephone number", r"(?<![\w.-])0(?:2|[3-6]\d)-\d{3,4}-\d{4}(?!\w)"),
        ("patient-number", "a medical record number", r"\bmrn\W{0,3}\d{3,}|\bmrn[a-z]*[-_ ]?\d{3,}"),
        ("patient-number", "a patient's number", r"(?:환자|등록|차트)\s?번호\W{0,3}\d{3,}"),
        (
            "patient-number",
            "a patient's number",
            r"(?<![a-z])(?:patient|subject|participant|proband|case|chart)[-_ #:]{0,2}(?:id|no|nr)?[-_ #:]{0,2}"
            r"[a-z]{0,3}[-_]?\d{2,}",
        ),
        (
            "patient-number",
            "a patient's number",
            r"(?<![a-z])(?:pat|pt|subj)[-_ #:]{0,2}(?:id|no|nr)?[-_ #:]{0,2}\d{2,}",
        ),
        ("patient-number", "a sample's barcode", r"\bTCGA-[A-Z0-9]{2}-[A-Z0-9]{4}"),
        ("exact-date", "an exact date", rf"(?<![\w.-])(?:19|20)\d{{2}}([-/.]){_IN_YEAR}\1{_IN_MONTH}(?![\w-])"),
        ("exact-date", "an exact date", rf"(?<![\w.-]){_IN_MONTH}([-/.]){_IN_MONTH}\1(?:19|20)\d{{2}}(?![\w-])"),
        ("exact-date", "an exact date", r"(?:19|20)\d{2}년\s?\d{1,2}월\s?\d{1,2}일"),
        ("exact-date", "an exact date", rf"\b\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[ ,-]+(?:19|20)\d{{2}}\b"),
        ("exact-date", "an exact date", rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? (?:19|20)\d{{2}}\b"),
        ("exact-date", "a date of birth", r"(?:\bdob|date of birth|born|생년월일)\W{0,4}\d{2,}"),
        ("genotypes", "single genotypes", r"##fileformat=VCF"),
    )
)  # fmt: skip
_ANY = re.compile("@|[0-9]")
_RESIDENT = re.compile(r"(?<![\d.])(\d{2})(\d{2})(\d{2})([- ]?)([1-8])(\d{6})(?!\d)")
_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_REMEDY = {
    "exact-date": "Give times since a starting point, on the protocol's grid.",
    "genotypes": "Release summary statistics instead of genotypes.",
}
_LEAVE_OUT = "Leave it out; no result needs it."


def check_text(where: str, text: str) -> Iterator[Finding]:
    """Find what names a person in a text: one finding a rule."""
    if not _ANY.search(text):
        return
    plain = _VERSION.sub(" ", MOMENT.sub(" ", text))
    seen: set[str] = set()
    for rule, what, pattern in PATTERNS:
        if rule not in seen and pattern.search(plain):
            seen.add(rule)
            yield Finding(where=where, rule=rule, what=f"it holds {what}", remedy=_REMEDY.get(rule, _LEAVE_OUT))
    if any(_is_resident_number(match) for match in _RESIDENT.finditer(plain)):
        yield Finding(
            where=where, rule="office-number", what="it holds a resident registration number", remedy=_LEAVE_OUT
        )


def _is_resident_number(match: re.Match[str]) -> bool:
    """Judge thirteen digits: the first six are a day; without a hyphen the check digit must agree too.

    Numbers given out since October 2020 carry no check digit.
    """
    year, month, day, hyphen, kind, rest = match.groups()
    century = 1900 if kind in "1256" else 2000
    try:
        date(century + int(year), int(month), int(day))
    except ValueError:
        return False
    digits = [int(digit) for digit in f"{year}{month}{day}{kind}{rest}"]
    total = sum(weight * digit for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return bool(hyphen) or (11 - total % 11) % 10 == digits[-1]


def hidden_in(text: str) -> Iterator[tuple[str, bytes | None]]:
    """Yield what a text hides: each data URI and each long run of base64, decoded where it can be.

    Digests (hexadecimal to 128 digits) and Ed25519 keys and signatures, named as such, hide nothing.
    """
    for match in DATA_URI.finditer(text):
        kind, parameters, payload = match.groups()
        encoded = "base64" in parameters.lower()
        yield f"data URI {kind or 'text/plain'}", _decoded(payload) if encoded else unquote_to_bytes(payload)
    rest = DATA_URI.sub(" ", text)
    for match in BLOB.finditer(rest):
        word = match.group()
        if HEX.fullmatch(word):
            if len(word) > LONGEST_HEX:
                yield "hexadecimal", bytes.fromhex(word[: len(word) // 2 * 2])
        elif not _is_signature(rest, match.start(), word) and _looks_encoded(word):
            yield "base64", _decoded(word)


def _is_signature(text: str, start: int, word: str) -> bool:
    return text[max(0, start - 8) : start] == "ed25519:" and len(word.rstrip("=")) in {43, 86}


def _looks_encoded(word: str) -> bool:
    kinds = (any(c.isdigit() for c in word), any(c.islower() for c in word), any(c.isupper() for c in word))
    return all(kinds)


def _decoded(word: str) -> bytes | None:
    padded = word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None


def pattern_of(word: str) -> str:
    """Return the shape of a word: letters as A, digits as 9.

    >>> pattern_of("BRC-0042")
    'AAA-9999'
    """
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", word))


def looks_like_numbering(values: list[str]) -> bool:
    """Say whether distinct texts look like a numbering of patients: one shape, three digits or more in each.

    Gene identifiers, variants and probes are numbers of things, not of people.
    """
    if len(values) < 3 or len(set(values)) < len(values) or all(_OF_A_GENE.fullmatch(value) for value in values):
        return False
    shapes = {pattern_of(value) for value in values}
    stems = {re.sub(r"9+", "9", shape) for shape in shapes}
    return len(stems) == 1 and all(sum(c.isdigit() for c in value) >= 3 for value in values)


_OF_A_GENE = re.compile(r"ENS[A-Z]*[EGTP]\d{11}(\.\d+)?|[NX][MRP]_\d+(\.\d+)?|rs\d+|\d+(_[a-z])?_at|chr[\w]+:\d+.*")
