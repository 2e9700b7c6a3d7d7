"""A PostgreSQL server of the test's own, where one is installed; it runs as another user if the tests run as root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Find the folder of initdb and postgres."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def usable() -> bool:
    """Say whether a server could be started here."""
    if binaries() is None:
        return False
    return os.getuid() != 0 or (shutil.which("setpriv") is not None and _known("postgres"))


@contextmanager
def running_postgres(port: int) -> Generator[str]:
    """Start a server on 127.0.0.1 and yield the address of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="biolab-pg-"))
    as_owner: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "env", f"HOME={folder}"]
    tools = binaries()
    data = folder / "data"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [*as_owner, str(tools / "initdb"), "-D", str(data), "-U", "mlflow", "-A", "trust", "-N"], check=True, **quiet
    )
    options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
    control = [*as_owner, str(tools / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], check=True, **quiet)
    try:
        create = [str(tools / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "mlflow", "mlflow"]
        subprocess.run(create, check=True, **quiet)
        yield f"postgresql+psycopg://mlflow@127.0.0.1:{port}/mlflow"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


def _known(user: str) -> bool:
    import pwd

    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
