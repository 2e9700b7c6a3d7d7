"""The breast cancer protocol between a coordinator and a site on two computers, by bundle, as they would type it."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from biolab.cli import main
from biolab.joint import verify_log, verify_run
from biolab.joint.bundle import verify
from biolab.tracking import embedded_store, find_runs

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = ROOT / "experiments" / "breast-prognosis"


def biolab(*words: str | Path) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit code and what it said."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return int(caught.value.code or 0), out.getvalue(), err.getvalue()


def told(*words: str | Path) -> dict:
    code, out, err = biolab(*words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("week")


@pytest.fixture(scope="module")
def locked(desk: Path) -> dict:
    """Make the keys, write them into the protocol and lock it."""
    protocol = (EXPERIMENT / "protocol.toml").read_text(encoding="utf-8")
    for site in ("rotterdam", "gbsg"):
        made = told("site", "init", site, "--home", desk / site)
        protocol = protocol.replace(f"[sites.{site}]\n", f'[sites.{site}]\npublic_key = "{made["public_key"]}"\n')
    told("site", "init", "coordinator", "--home", desk / "coordinator")
    (desk / "study").mkdir()
    fast = protocol.replace("replicates = 500", "replicates = 100")
    third, data = fast.index("[[models]]", fast.index('name = "cox"')), fast.index("[codebook.patient]")
    (desk / "study" / "protocol.toml").write_text(fast[:third] + fast[data:], encoding="utf-8")
    return told("joint", "lock", desk / "study", "--home", desk / "coordinator")


@pytest.fixture(scope="module")
def ran(desk: Path, locked: dict) -> dict:
    assert locked["added"]
    return told("run", desk / "study", "--site", "gbsg", "--home", desk / "gbsg", "--output", desk / "gbsg" / "out")


@pytest.fixture(scope="module")
def bundle(desk: Path, ran: dict) -> Path:
    assert ran["signed"]
    path = desk / "gbsg.zip"
    words = ("breast-prognosis", "-o", path, "--home", desk / "gbsg", "--output", desk / "gbsg" / "out")
    facts = told("site", "export", *words)
    assert (facts["site"], facts["runs"]) == ("gbsg", 3)
    return path


def test_the_run_is_the_sites_alone(desk: Path, locked: dict, ran: dict) -> None:
    assert ran["protocol"]["sha256"] == locked["sha256"]
    assert ran["protocol"]["locked"]
    assert sorted(ran["models"]) == ["age-nodes", "cox"]
    runs = find_runs(embedded_store(desk / "gbsg" / "out"), protocol="breast-prognosis", latest=False)
    assert {run.site for run in runs} == {"gbsg"}
    assert next(run for run in runs if run.role == "site").tags["biolab.run_digest"] == ran["run_digest"]


def test_into_the_coordinators_store_and_verified(desk: Path, bundle: Path, ran: dict) -> None:
    words = ("joint", "import", bundle, "--protocol", desk / "study", "--output", desk / "joint")
    done = told(*words)
    assert (len(done["created"]), done["bundle"]["trusted"]) == (3, True)
    assert len(told(*words)["present"]) == 3
    store = embedded_store(desk / "joint")
    keys = {"gbsg": verify(bundle).public_key}
    runs = find_runs(store, protocol="breast-prognosis", latest=False)
    assert {verify_run(store, run.run_id, keys).state for run in runs} == {"verified"}
    assert ran["run_digest"] in {run.tags["biolab.run_digest"] for run in runs}
    assert [entry.action for entry in verify_log(desk / "joint" / "audit.jsonl")] == ["import", "import"]
    code, out, _ = biolab("joint", "import", bundle, "--protocol", desk / "study", "--output", desk / "joint")
    assert code == 0
    assert "gbsg: 0 runs taken in, 3 were there" in out


def test_models_that_came_are_the_sites(desk: Path, bundle: Path) -> None:
    import numpy as np
    import polars as pl

    from biolab.joint import Protocol, load_cohort
    from biolab.survival import ReleasedModel
    from biolab.tracking import load_released

    assert bundle.exists()
    cohort = load_cohort(Protocol.load(desk / "study"), "gbsg")
    curves = []
    for place in (desk / "gbsg" / "out", desk / "joint"):
        folder = load_released(embedded_store(place), "models:/biolab-breast-prognosis-cox-gbsg/1")
        curves.append(ReleasedModel.load(folder).predict(cohort.frame.head(20)).survival)
    np.testing.assert_array_equal(*curves)
    assert isinstance(cohort.frame, pl.DataFrame)


def test_a_changed_bundle_is_3_and_recorded(desk: Path, bundle: Path, tmp_path: Path) -> None:
    raw = bundle.read_bytes()
    (tmp_path / "sent.zip").write_bytes(raw.replace(b"0.1.0", b"0.1.1", 1))
    log = tmp_path / "audit.jsonl"
    words = ("joint", "import", tmp_path / "sent.zip", "--protocol", desk / "study", "--output", tmp_path / "out")
    code, out, err = biolab(*words, "--log", log)
    assert (code, out) == (3, "")
    assert "sent.zip" in err
    assert "entry" in err
    assert verify_log(log)[0].action == "refuse"


def test_a_protocol_that_is_not_the_locked_one(desk: Path, locked: dict, tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    for name in ("protocol.toml", "protocol.lock.json"):
        (study / name).write_bytes((desk / "study" / name).read_bytes())
    text = (study / "protocol.toml").read_text(encoding="utf-8")
    (study / "protocol.toml").write_text(
        text.replace("folds = 5\nreplicates", "folds = 4\nreplicates"), encoding="utf-8"
    )
    code, _, err = biolab("run", study, "--site", "gbsg", "--output", tmp_path / "out", "--home", desk / "gbsg")
    assert code == 3
    assert f"is not the locked protocol (1.1.0, {locked['sha256'][:12]})" in err
    code, _, err = biolab("joint", "lock", study, "--home", desk / "coordinator")
    assert code == 3
    assert "evaluation.folds: 5 -> 4" in err


def test_another_key_than_the_protocols_stops_early(desk: Path, locked: dict, tmp_path: Path) -> None:
    assert locked["added"]
    told("site", "init", "gbsg", "--home", tmp_path)
    words = ("run", desk / "study", "--site", "gbsg", "--home", tmp_path, "--output", tmp_path / "out")
    code, _, err = biolab(*words)
    assert code == 3
    assert "names the key ed25519:" in err
    assert not (tmp_path / "out").exists()


def test_check_shows_what_a_run_would_release_and_writes_nothing(desk: Path, locked: dict, tmp_path: Path) -> None:
    assert locked["added"]
    before = sorted(path for path in desk.rglob("*") if "out" not in path.parts)
    checked = told("site", "check", desk / "study", "--site", "gbsg")
    assert checked["cohort"] == [
        {"site": "gbsg", "patients": 686, "events": 299, "dropped": 0, "median_follow_up": 54.0}
    ]
    code, out, _ = biolab("site", "check", desk / "study", "--home", desk / "gbsg")
    assert code == 0
    assert "every value is within the codebook" in out
    assert sorted(path for path in desk.rglob("*") if "out" not in path.parts) == before
    bad = tmp_path / "bad.csv"
    bad.write_text("pid,age\n1,50\n", encoding="utf-8")
    code, _, err = biolab("site", "check", desk / "study", bad, "--site", "gbsg")
    assert code == 3
    assert "bad.csv" in err


def test_a_new_protocol_can_be_locked_at_once(desk: Path, locked: dict, tmp_path: Path) -> None:
    assert locked["added"]
    made = told("joint", "new", "lung-study", "--folder", tmp_path, "--site", "hopkins", "--site", "yonsei")
    assert made["sites"] == ["hopkins", "yonsei"]
    home = ("--home", desk / "coordinator")
    code, _, err = biolab("joint", "lock", tmp_path / "lung-study", *home)
    assert code == 3
    assert "site 'hopkins' has no public_key" in err
    code, out, _ = biolab("joint", "lock", tmp_path / "lung-study", *home, "--unsigned-sites")
    assert code == 0
    assert "0.1.0, SHA-256 " in out
    assert biolab("joint", "new", "lung-study", "--folder", tmp_path)[0] == 3
    assert biolab("joint", "new", "Lung Study", "--folder", tmp_path)[0] == 3
    assert biolab("joint", "new", "a-b", "--folder", tmp_path, "--site", "a.b")[0] == 3
    assert biolab("joint", "lock", tmp_path / "nothing", *home)[0] == 3
