"""The format of a module: what is read, and every fault named with file, line and key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from biolab.core import ConfigError
from biolab.course import Module, Prose, find_module, find_modules

Read = Callable[..., Module]
KO_BALANCE = ":::ko balance"


def line_of(text: str, start: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if line.startswith(start))


def test_pieces_stand_in_the_order_of_the_file(module: Module):
    kinds = ["prose" if isinstance(piece, Prose) else piece.kind for piece in module.pieces]
    assert kinds == ["prose", "setup", "prose", "code", "prose", "exercise", "test", "hidden", "hidden", "score"]
    assert [check.name for check in module.checks] == ["dilution-test-1", "dilution-hidden-1", "dilution-hidden-2"]
    assert module.exercises[0].answers == ("feed_volume_l", "boluses_l")
    assert module.points == 4
    assert module.hints["conserved"]["ko"].startswith("무엇이")
    assert module.scores[0].ranks


def test_every_prose_has_both_languages(module: Module):
    assert all(set(piece.text) == {"en", "ko"} for piece in module.pieces if isinstance(piece, Prose))


@pytest.mark.parametrize(
    ("old", "new", "start", "said"),
    [
        (
            ":::ko aim",
            ":::ko aims",
            ":::en aim",
            r"key 'aim': The Korean block is missing; add ':::ko aim' after line 13",
        ),
        (":::ko aim", ":::ko aims", ":::ko aim", r"key 'aims': The English block is missing.*Did you mean 'aim'\?"),
        (":::ko aim", ":::kr aim", ":::ko aim", r"'kr' is not a language of the course"),
        (":::ko aim", ":::ko", ":::ko aim", r"needs a key"),
        (":::en task", ":::en aim", ":::en task", r"key 'aim': The English block stands at line"),
        (
            "```python setup vessel",
            "```python set-up vessel",
            "```python setup",
            r"'set-up' is not a kind of cell.*'setup'",
        ),
        ("```python setup vessel", "```python setup", "```python setup", r"needs a key after 'setup'"),
        ("```python setup vessel", "```python setup Vessel!", "```python setup", r"A key is made of a-z"),
        (
            "```python code half-litre",
            "```python setup vessel",
            "```python code",
            r"A code cell at line \d+ has this key too",
        ),
        (
            "```python code half-litre",
            "```\nplain\n```\n```python code half",
            "```python code",
            r"stands outside of any block",
        ),
        (
            "points=2",
            "point=2",
            "```python hidden",
            r"key 'dilution': 'point' is not an option here. Did you mean 'points'",
        ),
        ("points=2", "points=none", "```python hidden", r"points=none; expected a number above 0"),
        (
            "hint=conserved",
            "hint=conserve",
            "```python hidden",
            r"There is no hint 'conserve'. Did you mean 'conserved'",
        ),
        (
            "hidden dilution points=2",
            "hidden dilutions points=2",
            "```python hidden",
            r"no exercise with this key.*'dilution'",
        ),
        ("### END SOLUTION", "### END", "```python exercise", r"must stand between lines '### BEGIN SOLUTION'"),
        (
            "answers=feed_volume_l,",
            "answers=feed_volume,",
            "```python exercise",
            r"'feed_volume' is not set here. Did you mean",
        ),
        ("answers=feed_volume_l,boluses_l", "", "```python exercise", r"The option 'answers' is missing"),
        (
            "abs(feed_volume_l - 0.2",
            "abs(result - 0.2",
            "```python hidden",
            r"'result' is no answer and no set-up cell defines it",
        ),
        ("better=lower", "better=less", "```python score", r"better=less; expected higher or lower"),
        ("score = abs", "points = abs", "```python score", r"does not set 'score'"),
        ("import biolab as bl", "%pip install x", "import biolab", r"'!' and '%' commands do not run when graded"),
        ("import biolab as bl", "import biolab as", "import biolab", r"key 'vessel': This is not Python"),
        ("feed_volume_l = ...", "explore(1)\nfeed_volume_l = ...", "```python exercise", r"'explore' in a graded cell"),
        (
            "Write down what is conserved: grams",
            "Write down $c_0 V_0$: grams",
            ":::en conserved hint",
            r"Feedback pages set no formulas",
        ),
        (":::en conserved hint", ":::en conserved", ":::ko conserved", r"One language is a hint"),
        (
            "공급 전",
            "![그림](figures/no.svg)",
            KO_BALANCE,
            r"The figure 'figures/no.svg' is not in the module's folder",
        ),
    ],
)
def test_faults_name_line_and_key(read: Read, text: str, old: str, new: str, start: str, said: str):
    with pytest.raises(ConfigError, match=said) as caught:
        read({old: new})
    message = str(caught.value)
    assert message.startswith("90-dilution/module.md")
    assert f"line {line_of(text, start)}" in message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "$V_0 + \\Delta V$ |\n:::\n\n:::ko balance",
            "$V_0 + \\Delta V$ |\n\n:::ko balance",
            "':::en balance' is not closed",
        ),
        ("(working_volume_l + 0.5)\n```", "(working_volume_l + 0.5)\n", "'```python code half-litre' is not closed"),
        ("release and grade. It needs no plant. -->", "release", "note '<!--' is not closed"),
        ("+++\nversion", "version", "begins with a TOML header"),
        ("version = ", "versions = ", "versions is not a known key. Did you mean 'version'"),
        ('ko = "공급에 따른 희석"', "", "header"),
        ("```python test dilution points=1", "```python hidden dilution points=1", "has no '```python test dilution"),
        (
            "assert abs(sum(boluses_l) - feed_volume_l) < 0.01 * feed_volume_l",
            "assert trainee.seed",
            "uses none of the exercise's answers",
        ),
    ],
)
def test_what_is_not_balanced_is_said(read: Read, old: str, new: str, said: str):
    with pytest.raises(ConfigError) as caught:
        read({old: new})
    assert said in str(caught.value)


def test_all_faults_are_said_at_once_in_the_order_of_the_lines(read: Read):
    with pytest.raises(
        ConfigError, match=r"(?s)has 3 faults:\n- line \d+, key 'aim'.*- line \d+, key 'aims'.*points=0"
    ):
        read({":::ko aim": ":::ko aims", "points=2": "points=0"})


def test_prose_may_hold_fences_of_its_own(read: Read):
    box = "::::en aim\n:::{note}\nA box.\n:::\n\n```python\nshown = 1\n```\n::::"
    prose = (
        ":::en aim\n# Dilution by feeding\n\nA bolus of feed adds what the cells eat, and it dilutes everything else. "
    )
    prose += "After this page you can say by how much.\n:::"
    changed = read({prose: box})
    assert changed.pieces[0].text["en"].splitlines()[0] == ":::{note}"
    assert len(changed.cells) == 7


def test_modules_are_found_by_slug_number_and_path(module: Module, tmp_path: Path):
    folder = module.folder.parent
    assert find_modules(folder) == [module.folder]
    for name in ("90-dilution", "90", str(module.folder), str(module.folder / "module.md")):
        assert Module.load(find_module(name, folder)).slug == "90-dilution"
    with pytest.raises(ConfigError, match="Did you mean '90-dilution'"):
        find_module("90-dilusion", folder)
    with pytest.raises(ConfigError, match="holds no modules"):
        find_modules(tmp_path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path):
    (tmp_path / "module.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"module\.md is not UTF-8"):
        Module.load(tmp_path)
