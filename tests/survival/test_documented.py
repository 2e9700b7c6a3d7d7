"""docs/survival.md names everything that the room exports, and nothing in its table of names that is gone."""

import re
from pathlib import Path

import biolab.survival

PAGE = (Path(__file__).parents[2] / "docs" / "survival.md").read_text(encoding="utf-8")


def exported() -> set[str]:
    source = Path(biolab.survival.__file__).read_text(encoding="utf-8")
    return set(re.findall(r"^from \.\w+ import \w+ as (\w+)$", source, re.M))


def test_every_public_name_is_documented():
    missing = {name for name in exported() if not re.search(rf"`{name}\b", PAGE)}
    assert exported()
    assert not missing


def test_the_table_of_names_has_none_that_is_gone():
    table = PAGE.split("## Everything by name")[1].split("## Beside its peers")[0]
    rows = "\n".join(line for line in table.splitlines() if line.startswith("|"))
    named = {word for quoted in re.findall(r"`([^`]*)`", rows) for word in re.findall(r"^\w+$", quoted)}
    assert named - exported() == set()
    assert exported() - named == set()
