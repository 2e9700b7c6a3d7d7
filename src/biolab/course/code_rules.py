"""What the code cells of a module must keep to, so that a module that builds can also be graded."""

import ast
import builtins
import re
import symtable
from collections.abc import Mapping, Sequence

from biolab.core import did_you_mean

from .blocks import CodeBlock, Faults
from .cells import SOLUTION_BEGINS, SOLUTION_ENDS, Prose, listed

OPTIONS = {
    "setup": (),
    "code": (),
    "interactive": (),
    "exercise": ("answers",),
    "test": ("points", "hint"),
    "hidden": ("points", "hint"),
    "score": ("better", "rank"),
}
NEEDED = {"exercise": ("answers",), "test": ("points",), "hidden": ("points",), "score": ("better",)}
GRADED = ("exercise", "test", "hidden", "score")
_MAGIC = re.compile(r"^\s*[!%]", re.MULTILINE)
_WIDGETS = re.compile(r"\b(ipywidgets|interact|interactive|explore)\b")


def check_code(blocks: Sequence[CodeBlock], prose: Mapping[str, Prose], faults: Faults) -> None:
    """Note every fault of the code cells: options, Python, solutions, and tests that could not be run when graded."""
    usable = [block for block in blocks if _options_fit(block, prose, faults) & _is_python(block, faults)]
    exercises = {block.key: block for block in usable if block.kind == "exercise"}
    _check_unique(blocks, faults)
    for block in usable:
        if block.kind in GRADED and (found := _WIDGETS.search(block.source)):
            faults.add(block.line, block.key, f"{found[0]!r} in a graded cell; widgets belong into interactive cells.")
    for block in exercises.values():
        _check_exercise(block, faults)
    _check_tests(blocks, exercises, faults)
    _check_names(usable, exercises, faults)
    ranking = [block for block in usable if block.kind == "score" and block.options.get("rank") == "yes"]
    for block in ranking[1:]:
        faults.add(block.line, block.key, f"The board ranks by {ranking[0].key!r} already; one score has rank=yes.")


def _options_fit(block: CodeBlock, prose: Mapping[str, Prose], faults: Faults) -> bool:
    before = len(faults.found)
    known = OPTIONS[block.kind]
    for name in block.options:
        if name not in known:
            said = did_you_mean(name, known) if known else f"Cells of kind {block.kind!r} take none."
            faults.add(block.line, block.key, f"{name!r} is not an option here. {said}")
    for name in NEEDED.get(block.kind, ()):
        if not block.options.get(name):
            faults.add(block.line, block.key, f"The option {name!r} is missing; write {name}=... after the key.")
    points = block.options.get("points")
    if points and not (re.fullmatch(r"\d+(\.\d+)?", points) and float(points) > 0):
        faults.add(block.line, block.key, f"points={points}; expected a number above 0.")
    for name, allowed in {"better": ("higher", "lower"), "rank": ("yes",)}.items():
        if block.options.get(name, allowed[0]) not in allowed:
            faults.add(block.line, block.key, f"{name}={block.options[name]}; expected {' or '.join(allowed)}.")
    hint = block.options.get("hint")
    hints = [key for key, each in prose.items() if each.is_hint]
    if hint and hint not in hints:
        said = did_you_mean(hint, hints) if hints else f"Write ':::en {hint} hint' and ':::ko {hint} hint'."
        faults.add(block.line, block.key, f"There is no hint {hint!r}. {said}")
    wrong = [name for name in listed(block.options.get("answers", "")) if not name.isidentifier()]
    if wrong:
        faults.add(block.line, block.key, f"The answer {wrong[0]!r} is not a name of Python.")
    return len(faults.found) == before


def _is_python(block: CodeBlock, faults: Faults) -> bool:
    if magic := _MAGIC.search(block.source):
        line = block.line + 1 + block.source[: magic.start()].count("\n")
        faults.add(line, block.key, "'!' and '%' commands do not run when graded; write Python.")
        return False
    try:
        ast.parse(block.source)
    except SyntaxError as error:
        faults.add(block.line + (error.lineno or 1), block.key, f"This is not Python: {error.msg}.")
        return False
    if not block.source.strip():
        faults.add(block.line, block.key, "The cell is empty.")
    return True


def _check_unique(blocks: Sequence[CodeBlock], faults: Faults) -> None:
    seen: dict[str, int] = {}
    for block in blocks:
        if block.kind in {"test", "hidden"}:
            continue
        if block.key in seen:
            faults.add(block.line, block.key, f"A code cell at line {seen[block.key]} has this key too.")
        seen.setdefault(block.key, block.line)


def _check_exercise(block: CodeBlock, faults: Faults) -> None:
    marks = [line.strip() for line in block.source.split("\n") if line.strip() in (SOLUTION_BEGINS, SOLUTION_ENDS)]
    if not marks or marks != [SOLUTION_BEGINS, SOLUTION_ENDS] * (len(marks) // 2):
        faults.add(
            block.line, block.key, f"The solution must stand between lines '{SOLUTION_BEGINS}' and '{SOLUTION_ENDS}'."
        )
    bound = _bound(block.source)
    for name in listed(block.options["answers"]):
        if name not in bound:
            faults.add(
                block.line, block.key, f"The answer {name!r} is not set here. {did_you_mean(name, bound or {'-'})}"
            )


def _check_tests(blocks: Sequence[CodeBlock], exercises: Mapping[str, CodeBlock], faults: Faults) -> None:
    keys = [block.key for block in blocks if block.kind == "exercise"]
    started: set[str] = set()
    tested: set[tuple[str, str]] = set()
    for block in blocks:
        if block.kind == "exercise":
            started.add(block.key)
        elif block.kind in {"test", "hidden"}:
            tested.add((block.key, block.kind))
            if block.key not in keys:
                said = did_you_mean(block.key, keys) if keys else "There is no exercise."
                faults.add(block.line, block.key, f"There is no exercise with this key to test. {said}")
            elif block.key not in started:
                faults.add(block.line, block.key, "The test stands before its exercise.")
            elif block.key in exercises and not _uses_an_answer(block, exercises[block.key]):
                faults.add(block.line, block.key, "The test uses none of the exercise's answers: all would pass it.")
    for key, block in exercises.items():
        for kind in ("test", "hidden"):
            if (key, kind) not in tested:
                faults.add(block.line, key, f"The exercise has no '```python {kind} {key} points=...' cell.")


def _check_names(blocks: Sequence[CodeBlock], exercises: Mapping[str, CodeBlock], faults: Faults) -> None:
    """Note names that will not be there when graded: tests and scores run without the trainee's code."""
    known = set(dir(builtins))
    for block in blocks:
        if block.kind == "setup":
            known |= _bound(block.source)
    answers = {name for block in exercises.values() for name in listed(block.options["answers"])}
    for block in blocks:
        if block.kind == "setup" and (names := sorted(_used(block.source) - known)):
            faults.add(block.line, block.key, f"A set-up cell uses {names[0]!r}, which no set-up cell defines.")
        if block.kind in {"test", "hidden", "score"} and (names := sorted(_used(block.source) - known - answers)):
            near = did_you_mean(names[0], known - set(dir(builtins)) | answers)
            faults.add(
                block.line,
                block.key,
                f"{names[0]!r} is no answer and no set-up cell defines it, and nothing else is there when graded. "
                f"{near}",
            )
        if block.kind == "score" and "score" not in _bound(block.source):
            faults.add(block.line, block.key, "The cell does not set 'score'.")


def _uses_an_answer(block: CodeBlock, exercise: CodeBlock) -> bool:
    try:
        return bool(_used(block.source) & set(listed(exercise.options["answers"])))
    except SyntaxError:
        return True  # said already


def _bound(source: str) -> set[str]:
    table = symtable.symtable(source, "cell", "exec")
    return {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}


def _used(source: str) -> set[str]:
    """Return the names that a cell takes from outside of it."""
    table = symtable.symtable(source, "cell", "exec")
    used: set[str] = set()
    inside = [table]
    while inside:
        scope = inside.pop()
        inside += scope.get_children()
        for symbol in scope.get_symbols():
            outer = scope.get_type() == "module" or symbol.is_global()
            if outer and symbol.is_referenced():
                used.add(symbol.get_name())
    return used - _bound(source)
