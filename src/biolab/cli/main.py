"""Entry point: build the app, run one command, turn errors into a message and an exit code."""

import gc
import json
import sys
import warnings
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from biolab import __version__
from biolab.core.errors import BiolabError

from .compare import compare
from .course import course
from .data import data
from .doctor import doctor
from .genotype_study import genotypes
from .joint_server import joint
from .lab import lab
from .plant import plant
from .run import run
from .site_validate import site
from .ui import ui

USAGE_ERROR = 2
INTERRUPTED = 130


def build_app() -> App:
    """Assemble the commands."""
    app = App(
        name="biolab",
        version=__version__,
        help="Bio-data research workbench. Exit codes: 0 ok, 1 failed, 2 usage, 3 bad data or config, "
        "4 tracking server unreachable, 5 missing extra or device, 130 interrupted. "
        "Every command takes --json (one object on standard output) and --debug (tracebacks).",
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    for command in (run, compare, ui, lab, doctor):
        app.command(command)
    for group in (course, data, genotypes, joint, plant, site):
        app.command(group)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    # libraries make a million objects that stay: looking for garbage among them so often takes a twentieth of a run
    gc.set_threshold(100_000, 20, 20)
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not debug:
        warnings.formatwarning = _plain_warning  # ty: ignore[invalid-assignment]
    sys.exit(_run(words, debug=debug))


def _plain_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Print a warning as errors are printed; where in our code it arose helps nobody here."""
    return f"biolab: warning: {message}\n"


def _run(words: list[str], *, debug: bool) -> int:
    try:
        build_app()(words, exit_on_error=False, print_error=not _wants_json(words), result_action="return_value")
    except CycloptsError as error:
        return _fail(error, USAGE_ERROR, words, debug=debug, said=not _wants_json(words))
    except BiolabError as error:
        return _fail(error, error.exit_code, words, debug=debug)
    except KeyboardInterrupt:
        print("Interrupted. Unfinished runs are marked FAILED; run the same command again.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _fail(error: Exception, code: int, words: list[str], *, debug: bool, said: bool = False) -> int:
    if debug:
        raise error
    if _wants_json(words):
        print(json.dumps({"error": str(error), "kind": type(error).__name__, "exit_code": code}, ensure_ascii=False))
    if not said:
        print(f"biolab: {error}", file=sys.stderr)
    return code


def _wants_json(words: list[str]) -> bool:
    return "--json" in words
