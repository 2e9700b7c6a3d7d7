"""What docs/joint.md tells people to type works, says the same in both languages, and points to things that exist."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from biolab.data import load
from biolab.joint import Protocol

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "joint.md", ROOT / "docs" / "joint.ko.md"]
PEOPLE = ("coordinator", "rotterdam", "gbsg")
_COMMAND = re.compile(rf"^({'|'.join(PEOPLE)})\$ (.+)$", re.M)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def commands(page: Path) -> list[tuple[str, str]]:
    """Return who types what, in the page's order."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    return [pair for block in blocks for pair in _COMMAND.findall(block.replace("\\\n", " "))]


def test_both_languages_tell_the_same_commands() -> None:
    english, korean = (commands(page) for page in PAGES)
    assert english == korean
    assert len(english) > 20


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in _LINK.findall(text):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        there = page if not path else (page.parent / path).resolve()
        assert there.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


def _shorter(text: str) -> str:
    """Keep the first two models and one horizon, without subgroups: the same commands in a fraction of the time."""
    head, first, second, *_, rest = text.split("[[models]]\n")
    kept = "[[models]]\n".join([head, first, second]) + rest[rest.index("# ---") :]
    kept = re.sub(r"\[\[subgroups\]\].*?\n\n", "", kept, flags=re.S)
    return kept.replace("replicates = 500", "replicates = 100").replace("[24, 36, 60]", "[60]")


class Week:
    """Three people's computers: each a folder with a configuration of its own, and the post between them."""

    def __init__(self, place: Path, port: int) -> None:
        self.place, self.port = place, port
        self.started: list[subprocess.Popen[str]] = []
        experiment = place / "coordinator" / "experiments" / "breast-prognosis"
        shutil.copytree(ROOT / "experiments" / "breast-prognosis", experiment)
        self.protocol = experiment / "protocol.toml"
        self.protocol.write_text(_shorter(self.protocol.read_text(encoding="utf-8")), encoding="utf-8")
        for site in PEOPLE[1:]:
            (place / site).mkdir()
            load(site).collect().write_csv(place / site / f"{site}.csv")

    def type(self, who: str, line: str) -> str:
        """Type a command on somebody's computer and return what it says."""
        if line.startswith("biolab joint lock"):
            self._write_keys()
        words = [sys.executable, "-m", "biolab", *shlex.split(line.removesuffix("&"))[1:]]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "BIOLAB"))}
        environment = kept | {"XDG_CONFIG_HOME": str(self.place / who / "config"), "COLUMNS": "140"}
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(path).resolve()) for path in sys.path if path)
        if line.endswith("&"):
            return self._serve([*words, "--port", str(self.port)], who, environment)
        done = subprocess.run(
            words, cwd=self.place / who, env=environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        self._post(who)
        return done.stdout

    def close(self) -> None:
        """End the server."""
        for process in self.started:
            process.terminate()
            process.communicate(timeout=60)

    def _serve(self, words: list[str], who: str, environment: dict[str, str]) -> str:
        server = subprocess.Popen(
            words, cwd=self.place / who, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.started.append(server)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(600):
            assert server.poll() is None
            try:
                with opener.open(f"http://127.0.0.1:{self.port}/health", timeout=2):
                    return ""
            except OSError:
                time.sleep(0.2)
        raise AssertionError("the server did not answer")

    def _write_keys(self) -> None:
        """Do by hand what the page says: each public key into its site's table."""
        text = self.protocol.read_text(encoding="utf-8")
        for site in PEOPLE[1:]:
            facts = self.place / site / "config" / "biolab" / "sites" / site / "identity.json"
            key = re.search(r'"public_key": "([^"]+)"', facts.read_text(encoding="utf-8"))
            assert key is not None
            text = text.replace(f"\n[sites.{site}]\n", f'\n[sites.{site}]\npublic_key = "{key[1]}"\n')
        self.protocol.write_text(text, encoding="utf-8")

    def _post(self, who: str) -> None:
        """Carry what people send each other: the experiment and invitations to sites, bundles to the coordinator."""
        office = self.place / "coordinator"
        if who == "coordinator":
            for site in PEOPLE[1:]:
                shutil.copytree(office / "experiments", self.place / site / "experiments", dirs_exist_ok=True)
                if (office / f"{site}.json").exists():
                    shutil.copy2(office / f"{site}.json", self.place / site / f"{site}.json")
        else:
            for bundle in (self.place / who).glob("*.zip"):
                shutil.copy2(bundle, office / bundle.name)


@pytest.fixture
def week(tmp_path: Path) -> Iterator[Week]:
    from .server.conftest import free_port

    found = Week(tmp_path, free_port())
    yield found
    found.close()


@pytest.mark.slow
def test_every_command_of_the_page_runs(week: Week) -> None:
    said = [(line, week.type(who, line)) for who, line in commands(PAGES[0])]
    last = next(text for line, text in reversed(said) if line.startswith("biolab joint status"))
    protocol = Protocol.load(week.protocol.parent)
    cells = len(protocol.models) * len(protocol.sites) ** 2
    assert f"{cells} of {cells} cells" in last
    assert (week.place / "coordinator" / "biolab-output" / "breast-prognosis.en.html").exists()
