"""Rank a class of twelve whose skill is known, whatever they claim.

Run: ``python experiments/class-demo/run.py FOLDER``
"""

import json
import sys
from pathlib import Path

import polars as pl

import biolab as bl
from biolab.bioprocess import CHOFedBatch, Recipe, simulate
from biolab.course import Board, Classroom, Grade, Module, Trainee
from biolab.tracking import Store, embedded_store

MODULE = Path(__file__).parent / "modules" / "91-one-dose"
BIRDS = ("avocet", "bunting", "crane", "dunlin", "egret", "finch", "godwit", "heron", "ibis", "jay", "kite", "lark")
"""By skill, the least skilled first: their doses grow towards the best one, their eye for the drift sharpens."""
BOASTER, LOOPER = "bunting", "egret"


def dose_l(skill: int) -> float:
    """Return the daily dose that a trainee of a skill (0 to 11) finds; 0.1 L is best."""
    return 0.013 + 0.007 * skill


def hours_late(skill: int) -> float:
    """Return how long after its beginning a trainee of a skill notices the drift."""
    return 40.0 - 3.5 * skill


def notebook_of(module: Module, trainee: Trainee, skill: int) -> str:
    """Write what a trainee of a skill hands in; one of them ends with a loop."""
    content = bl.course.notebook(module, language=trainee.language, audience="trainee")
    code = {
        "code-dose": f'recipe = standard.changed({{"phases.feeding.feeding.volume_l": {dose_l(skill)}}})',
        "code-drift": f"noticed_h = drift.start_h + {hours_late(skill)}",
    }
    if trainee.pseudonym == LOOPER:
        code["code-drift"] += "\nwhile True:\n    pass"
    cells = [cell | {"source": code.get(str(cell["id"]), cell["source"])} for cell in content["cells"]]
    return json.dumps(content | {"cells": cells}, ensure_ascii=False)


def open_class(folder: Path) -> Classroom:
    """Make the class's folder, half of it in Korean."""
    bl.course.new_classroom(folder, "class-demo", BIRDS)
    path = folder / "cohort.toml"
    text = path.read_text(encoding="utf-8").replace('"avocet"', '"avocet"\nlanguage = "en"')
    path.write_text(text + "[limits]\nseconds = 30\n", encoding="utf-8")
    return Classroom.open(folder)


def hand_in(module: Module, room: Classroom, store: Store, birds: tuple[str, ...]) -> None:
    """Write the class's submissions and the runs that its trainees kept in MLflow; one of them boasts."""
    for bird in birds:
        skill, trainee = BIRDS.index(bird), room.cohort.member(bird, module.slug)
        path = room.submitted(trainee)
        path.parent.mkdir(parents=True)
        path.write_text(notebook_of(module, trainee, skill), encoding="utf-8")
        plant = CHOFedBatch(mu_max_per_h=trainee.draw("growth", 0.037, 0.041))
        standard = Recipe.load("cho-standard")
        recipe = standard.changed({"phases.feeding.feeding.volume_l": dose_l(skill)})
        titre, most = (simulate(plant, each, seed=trainee.seed).metrics["titre_g_per_l"] for each in (recipe, standard))
        share = 1.5 if bird == BOASTER else titre / most
        trainee.record("my best dose", {"share_of_standard": share, "titre_g_per_l": titre}, recipe=recipe, store=store)


def run_class(folder: Path, birds: tuple[str, ...] = BIRDS) -> tuple[Classroom, list[Grade], Board]:
    """Run the class, or a part of it: hand in, grade, rank."""
    from biolab.reports import grade_and_report

    module, room, store = Module.load(MODULE), open_class(folder), embedded_store(folder / "mlflow")
    hand_in(module, room, store, birds)
    grades = grade_and_report(module, room, store, pseudonyms=birds)
    return room, grades, bl.course.board(module, grades, store=store, limits=room.cohort.limits)


def main(folder: Path) -> None:
    """Print the board, and whether it ranks the class by its skill."""
    _, grades, board = run_class(folder)
    with pl.Config(tbl_rows=20, tbl_width_chars=140, tbl_hide_dataframe_shape=True):
        print(board.table(), bl.course.common_errors(grades), sep="\n")
    found = board.table()["trainee"].to_list()
    print(f"ranked by skill: {found == list(reversed(BIRDS))}; claims that differ: {', '.join(board.differing)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
