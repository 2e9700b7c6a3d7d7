"""The command line says what went wrong, on standard error, with the promised exit code and without a traceback."""

import json
import socket
from pathlib import Path

import pytest

from biolab.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = ROOT / "experiments" / "breast-prognosis"
MADE_UP = ROOT / "tests" / "joint" / "two-made-up-sites"


def code_of(*words: str | Path) -> int:
    """Run the command line in this process and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    return int(caught.value.code or 0)


@pytest.mark.parametrize("words", [(), ("--help",), ("run", "--help"), ("data", "list", "--help"), ("--version",)])
def test_help_is_ok(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of(*words) == 0
    assert capsys.readouterr().out


def test_usage_errors_are_2_and_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("runn") == 2
    assert code_of("run") == 2
    assert code_of("run", EXPERIMENT, "--language", "fr") == 2
    said = capsys.readouterr()
    assert 'Did you mean "run"' in said.err
    assert said.out == ""


def test_a_faulty_protocol_is_3_with_the_near_miss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = (EXPERIMENT / "protocol.toml").read_text(encoding="utf-8")
    (tmp_path / "protocol.toml").write_text(source.replace("horizons =", "horizonts ="), encoding="utf-8")
    assert code_of("run", tmp_path, "--output", tmp_path / "out") == 3
    said = capsys.readouterr()
    assert "Did you mean 'horizons'?" in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "out").exists()


def test_errors_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("run", tmp_path / "nothing", "--json") == 3
    said = json.loads(capsys.readouterr().out)
    assert said["kind"] == "ConfigError"
    assert said["exit_code"] == 3


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    from biolab.core import ConfigError

    with pytest.raises(ConfigError):
        main(["run", str(tmp_path / "nothing"), "--debug"])


def test_a_site_without_data_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("run", MADE_UP, "--output", tmp_path / "out") == 3
    assert "Site 'north' names no data set" in capsys.readouterr().err


def test_an_unreachable_server_is_4(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert code_of("compare", "breast-prognosis", "--tracking-uri", uri) == 4
    assert uri in capsys.readouterr().err


def test_an_unwritable_output_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    assert code_of("run", EXPERIMENT, "--output", tmp_path / "file" / "out") == 4
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_a_taken_port_is_3_and_names_a_free_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert code_of("ui", "--port", port, "--output", tmp_path) == 3
    assert "--port" in capsys.readouterr().err


def test_data_list_and_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("data", "list", "--json") == 0
    names = [row["name"] for row in json.loads(capsys.readouterr().out)]
    assert {"rotterdam", "gbsg"} <= set(names)
    assert code_of("doctor", "--json") == 0
    found = {finding["name"]: finding["state"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert found["python"] == "ok"
    assert code_of("data", "list") == code_of("doctor") == 0
    assert "rotterdam" in capsys.readouterr().out
    assert code_of("data", "list", "survset") == 0
    assert "survset/veteran" in capsys.readouterr().out


def test_ui_and_lab_say_their_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert code_of("ui", "--json", "--output", tmp_path) == 0
    assert "mlflow" in " ".join(json.loads(capsys.readouterr().out)["command"])
    assert code_of("lab", "--json", "--folder", ROOT / "notebooks") == 0
    assert "jupyterlab" in " ".join(json.loads(capsys.readouterr().out)["command"])
    assert code_of("lab", "--folder", tmp_path / "none") == 3
