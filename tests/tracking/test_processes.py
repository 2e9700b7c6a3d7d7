import os
import subprocess
import sys

import pytest

from biolab.tracking.processes import current_process, has_died


def test_this_process_lives_and_its_name_is_stable():
    assert current_process() == current_process()
    assert not has_died(current_process())


def test_a_process_that_ended_has_died():
    script = "from biolab.tracking.processes import current_process; print(current_process())"
    name = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert has_died(name)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no zombies")
def test_a_killed_process_nobody_waited_for_has_died():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    host, _, _ = current_process().split(":", maxsplit=2)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert has_died(f"{host}:{child.pid}:whenever")
    child.wait()


def test_a_reused_number_is_another_process():
    host, pid, started = current_process().split(":", maxsplit=2)
    assert has_died(f"{host}:{pid}:{started}0")


@pytest.mark.parametrize("name", ["", "somewhere:1:2", "no colons"])
def test_what_cannot_be_judged_counts_as_living(name):
    assert not has_died(name)


def test_no_host_name_is_given_away():
    import socket

    assert socket.gethostname() not in current_process()
