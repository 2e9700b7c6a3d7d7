"""The tables of docs/survset.md, put between its markers, and the figure beside it."""

import re
from pathlib import Path

import numpy as np

from biolab.core import write_atomically

from .contests import CONTESTS
from .figure import picture

MODELS = (
    "biolab-cox",
    "sksurv-cox",
    "lifelines-cox",
    "biolab-ridge",
    "glmnet-ridge",
    "biolab-net",
    "sksurv-net",
    "glmnet-net",
    "biolab-trees",
    "sksurv-forest",
)
SIZES = (("to 100 columns", 0, 100), ("101 to 1,000", 100, 1000), ("above 1,000", 1000, 10**9))


def write_page(told: dict, page: Path) -> None:
    """Replace each part of the page that stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``."""
    text = page.read_text(encoding="utf-8")
    parts = {
        "contests": contests(told),
        "harrell": by_cohort(told, "harrell_c"),
        "brier": by_cohort(told, "integrated_brier_score"),
        "seconds": seconds(told),
        "made": made(told),
    }
    for name, content in parts.items():
        marked = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not marked.search(text):
            raise SystemExit(f"{page} has no place for {name!r}: add <!-- begin {name} --> and <!-- end {name} -->.")
        text = marked.sub(lambda found, content=content: f"{found[1]}{content}\n{found[2]}", text)
    write_atomically(page, text)
    write_atomically(page.with_suffix(".svg"), picture(told) + "\n")


def contests(told: dict) -> str:
    """Return a line a contest: cohorts, wins, ties and losses, and mean differences over cohorts."""
    found = {(row["ours"], row["theirs"], row["metric"]): row for row in told["contests"]}
    head = (
        "ours against",
        "cohorts",
        "Harrell's C: won, tied, lost",
        "higher, lower",
        "mean difference (95 % interval)",
        "Uno's C: mean difference",
        "Brier: won, tied, lost",
        "Brier: mean difference",
    )
    lines = [_line(head), _line(["---"] * len(head))]
    for ours, theirs, _ in CONTESTS:
        row, uno, brier = (found[ours, theirs, metric] for metric in ("harrell_c", "uno_c", "integrated_brier_score"))
        cells = [
            f"{ours} against {theirs}",
            row["cohorts"],
            f"{row['wins']}, {row['ties']}, {row['losses']}",
            f"{row['higher']}, {row['lower']}",
            _difference(row),
            _difference(uno),
            f"{brier['wins']}, {brier['ties']}, {brier['losses']}" if brier["cohorts"] else "",
            _difference(brier) if brier["cohorts"] else "",
        ]
        lines.append(_line(cells))
    return "\n".join(lines)


def by_cohort(told: dict, metric: str) -> str:
    """Return a line a cohort: each model's mean over the folds and half the width of its interval."""
    models = [name for name in MODELS if any(metric in cohort["models"].get(name, {}) for cohort in told["cohorts"])]
    lines = [_line(["cohort", "patients, events, columns", *models]), _line(["---"] * (len(models) + 2))]
    for cohort in told["cohorts"]:
        known = {
            name: found[metric]["mean"]
            for name in models
            if metric in (found := cohort["models"].get(name, {})) and not found["failed"]
        }
        best = (min if metric == "integrated_brier_score" else max)(known.values(), default=np.nan)
        cells = [_cell(cohort["models"].get(name), metric, best) for name in models]
        size = f"{cohort['patients']:,}, {cohort['events']:,}, {cohort['columns']:,}"
        lines.append(_line([cohort["cohort"], size, *cells]))
    return "\n".join(lines)


def seconds(told: dict) -> str:
    """Return a line a model: folds tried, failed and not converged, and median processor seconds of a fit."""
    head = ["model", "cohorts", "fits", "no result", "said it did not converge", *(name for name, _, _ in SIZES)]
    lines = [_line(head), _line(["---"] * len(head))]
    for name in MODELS:
        found = [(cohort, cohort["models"][name]) for cohort in told["cohorts"] if name in cohort["models"]]
        if not found:
            continue
        fits = sum(len(model["folds"]) for _, model in found)
        failed, late = (sum(model[key] for _, model in found) for key in ("failed", "unconverged"))
        cells = [name, len(found), fits, f"{failed}{_where(found, 'failed')}", f"{late}{_where(found, 'unconverged')}"]
        for _, above, most in SIZES:
            spent = [
                model["seconds"]
                for cohort, model in found
                if above < cohort["columns"] <= most and model["seconds"] is not None
            ]
            cells.append(f"{np.median(spent):.2g}" if spent else "")
        lines.append(_line(cells))
    return "\n".join(lines)


def made(told: dict) -> str:
    """Return what the numbers were made with, and which models are of an earlier run."""
    facts = told["environment"]
    versions = "; ".join(f"{name} {number}" for name, number in facts["versions"].items())
    where = f"{facts['device']}, Python {facts['python']}"
    earlier: dict[str, list[str]] = {}
    for name in MODELS:
        for commit in {cohort["models"][name].get("commit") for cohort in told["cohorts"] if name in cohort["models"]}:
            if commit not in {None, facts["commit"]}:
                earlier.setdefault(commit, []).append(name)
    before = "".join(f" Wholly or in part at {commit}: {', '.join(names)}." for commit, names in earlier.items())
    return f"Made {facts['made'][:10]} at {facts['commit']} on {where}; {versions}; seed {facts['seed']}.{before}"


def _where(found: list[tuple[dict, dict]], key: str) -> str:
    places = [f"{cohort['cohort']} {model[key]}" for cohort, model in found if model[key]]
    return f" ({', '.join(places)})" if places else ""


def _cell(model: dict | None, metric: str, best: float) -> str:
    if model is None:
        return ""
    folds, failed = len(model["folds"]), model["failed"]
    if metric not in model or 2 * failed > folds:
        return f"no result ({failed} of {folds} folds)" if failed else ""
    mean, reach = model[metric]["mean"], (model[metric]["upper"] - model[metric]["lower"]) / 2
    text = f"{mean:.3f} ± {reach:.3f}"
    text = f"**{text}**" if round(mean, 3) == round(best, 3) else text
    return text + (f" ({failed} of {folds} folds without result)" if failed else "")


def _difference(row: dict) -> str:
    if row["mean_difference"] is None:
        return ""
    if row["lower_limit"] is None:
        return f"{row['mean_difference']:+.4f}"
    mean, lower, upper = (f"{row[key]:+.4f}" for key in ("mean_difference", "lower_limit", "upper_limit"))
    return f"{mean} ({lower} to {upper})".replace("-0.0000", "0.0000").replace("+0.0000", "0.0000").replace("-", "−")


def _line(cells) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
