"""One writer at a time, and a lock that dies with its process."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from biolab.core import BiolabError
from biolab.core.locks import exclusive


def test_threads_take_turns(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        with exclusive(tmp_path / "a.lock"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.002)
            inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_waiting_ends_with_words(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "a.lock"),
        pytest.raises(BiolabError, match="is held by another process"),
        exclusive(tmp_path / "a.lock", patience_s=0.1),
    ):
        pass


def test_a_killed_process_gives_it_back(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom biolab.core.locks import exclusive\n"
        "with exclusive(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(BiolabError), exclusive(tmp_path / "a.lock", patience_s=0.1):
            pass
        process.kill()
    with exclusive(tmp_path / "a.lock", patience_s=5):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BiolabError, match="cannot be written"), exclusive(tmp_path / "file" / "a.lock"):
        pass
