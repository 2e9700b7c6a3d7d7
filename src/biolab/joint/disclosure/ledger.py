"""What a site has released before, so that two releases cannot be subtracted from each other."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import polars as pl

from biolab.core import ConfigError, canonical_json, sha256_hex, write_atomically
from biolab.core.locks import exclusive

from .contents import counts_of_file
from .findings import Finding, refusal
from .rules import Rules
from .scrutiny import scrutiny_of
from .small_cells import Count, Key, counts_in

FORMAT = "biolab.release-ledger/1"
Released = Mapping[str, pl.DataFrame] | Mapping[str, bytes] | Path
"""The tables of a release by name, its files by path, or the folder of its artifacts."""
_BY_PREDICTION = frozenset({"calibration"})
"""Tables whose groups a model's predictions make: under another model they count other patients."""
_Facts = dict[tuple[str, str, Key], int | None]


@dataclass(frozen=True, kw_only=True)
class ReleaseLedger:
    """The counts a site has released, in a JSON file at the site; it holds nothing that has not left already.

    Before a release, ``check`` compares it with every earlier one: a count that differs from the same count by fewer
    than the minimum tells about the few who came or went, and a count withheld in one of two releases of nearly the
    same cohort is given back by the other.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> ledger = ReleaseLedger(path=Path(folder.name) / "released.json")
    >>> january = {"grade": pl.DataFrame({"grade": ["1-2", "3"], "patients": [90, 40]})}
    >>> ledger.record(january, Rules(), release="january")
    >>> february = {"grade": pl.DataFrame({"grade": ["1-2", "3"], "patients": [92, 40]})}
    >>> [finding.rule for finding in ledger.check(february, Rules())]
    ['differencing']
    >>> folder.cleanup()
    """

    path: Path

    def check(self, released: Released, rules: Rules) -> tuple[Finding, ...]:
        """Return what this release and an earlier one would give away together.

        Raises
        ------
        ConfigError
            If the ledger's file is damaged.
        """
        return self._compared(_facts(released, rules), rules)

    def refuse(self, released: Released, rules: Rules) -> None:
        """Stop a release that ``check`` finds something in.

        Raises
        ------
        DisclosureError
            If an earlier release can be subtracted from this one.
        """
        found = self.check(released, rules)
        if found:
            raise refusal(found)

    def record(self, released: Released, rules: Rules, *, release: str) -> None:
        """Add a release that has left, in one step; the same content is kept once.

        Raises
        ------
        ConfigError
            If the ledger's file is damaged.
        BiolabError
            If it cannot be written.
        """
        with exclusive(self.path.with_suffix(".lock")):
            self._add(_facts(released, rules), release)

    def admit(self, released: Released, rules: Rules, *, release: str) -> None:
        """Check a release and add it, with nobody in between.

        Raises
        ------
        DisclosureError
            If an earlier release can be subtracted from this one; it is not added then.
        ConfigError
            If the ledger's file is damaged.
        BiolabError
            If it cannot be written.
        """
        now = _facts(released, rules)
        with exclusive(self.path.with_suffix(".lock")):
            if found := self._compared(now, rules):
                raise refusal(found)
            self._add(now, release)

    def _compared(self, now: _Facts, rules: Rules) -> tuple[Finding, ...]:
        found = (
            replace(
                each,
                where=f"{each.where}, beside the release {name!r}",
                remedy=f"{each.remedy} If that release was never handed over, take its entry out of {self.path}.",
            )
            for name, before in self._releases()
            for each in _differences(before, now, rules)
        )
        return tuple(dict.fromkeys(found))

    def _add(self, facts: _Facts, release: str) -> None:
        counts = [
            {"table": table, "measure": measure, "of": sorted(map(list, key)), "count": value}
            for (table, measure, key), value in facts.items()
        ]
        counts.sort(key=lambda each: json.dumps([each["table"], each["measure"], each["of"]]))
        digest = sha256_hex(canonical_json(counts))
        content = self._content()
        if counts and digest not in {each["digest"] for each in content["releases"]}:
            content["releases"].append({"release": release, "digest": digest, "counts": counts})
            write_atomically(self.path, json.dumps(content, ensure_ascii=False, indent=1))

    def _content(self) -> dict[str, list]:
        if not self.path.exists():
            return {"format": FORMAT, "releases": []}  # ty: ignore[invalid-explicit-return]
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if content["format"] != FORMAT or not isinstance(content["releases"], list):
                raise ValueError("another format")
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{self.path} is not a ledger of releases ({error}). Restore it from a backup: without it nobody knows "
                "what earlier releases can be subtracted from the next."
            ) from error
        return content

    def _releases(self) -> Iterator[tuple[str, _Facts]]:
        for each in self._content()["releases"]:
            facts = {
                (one["table"], one["measure"], frozenset(tuple(pair) for pair in one["of"])): one["count"]
                for one in each["counts"]
            }
            yield str(each["release"]), facts


def _facts(released: Released, rules: Rules) -> _Facts:
    """Return every count of a release; where several tables say it, one that shows it."""
    facts: _Facts = {}
    for table, count in _counts(released, rules):
        fact = (table, count.measure, count.key)
        if facts.get(fact) is None:
            facts[fact] = count.value
    return facts


def _counts(released: Released, rules: Rules) -> Iterator[tuple[str, Count]]:
    if isinstance(released, Path):
        paths = sorted(each for each in released.rglob("*") if each.is_file())
        files: Iterable[tuple[str, pl.DataFrame | bytes]] = (
            (path.relative_to(released).as_posix(), path.read_bytes()) for path in paths
        )
    else:
        files = released.items()
    scrutiny = scrutiny_of(rules)
    for where, content in files:
        table = PurePosixPath(where).stem
        if table in _BY_PREDICTION:
            continue
        is_file = isinstance(content, bytes)
        counts = counts_of_file(where, content, scrutiny) if is_file else counts_in(where, content, rules)
        yield from ((table, count) for count in counts)


def _differences(before: _Facts, now: _Facts, rules: Rules) -> Iterator[Finding]:
    shared = before.keys() & now.keys()
    near = _is_nearly_the_same(before, now, rules)
    for fact in sorted(shared, key=lambda each: (each[0], each[1], sorted(each[2]))):
        earlier, later = before[fact], now[fact]
        if earlier is not None and later is not None and 0 < abs(earlier - later) < rules.minimum_cell:
            yield _finding(fact[0], f"a count differs from an earlier release by fewer than {rules.minimum_cell}")
        elif (earlier is None) != (later is None) and near:
            yield _finding(
                fact[0], "a count withheld in one of two releases of nearly the same cohort stands in the other"
            )


def _is_nearly_the_same(before: _Facts, now: _Facts, rules: Rules) -> bool:
    """Say whether the largest counts that two releases share differ by less than the minimum."""
    pairs = [
        (earlier, later)
        for fact in before.keys() & now.keys()
        if (earlier := before[fact]) is not None and (later := now[fact]) is not None
    ]
    if not pairs:
        return True
    earlier, later = max(pairs)
    return abs(earlier - later) < rules.minimum_cell


def _finding(table: str, what: str) -> Finding:
    return Finding(
        where=f"table {table!r}",
        rule="differencing",
        what=what,
        remedy="Release again only when the cohort has grown by the minimum, or keep the earlier release's cohort.",
    )


def release_ledger(folder: Path, protocol: str) -> ReleaseLedger:
    """Return the ledger that a site's own folder keeps of its releases under the versions of a protocol."""
    return ReleaseLedger(path=folder / "released" / f"{protocol}.json")
