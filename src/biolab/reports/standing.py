"""What a reader must know of a comparison's standing, in sentences: the best model, and whether the runs hold."""

from .comparison import Comparison
from .language import Language
from .legend import Legend, legend_of
from .tables import ranking_table

_ENOUGH_SITES = 3


def best_sentences(comparison: Comparison, legend: Legend) -> tuple[str, ...]:
    """Say which model is best, how sure that is, and which others may be as good."""
    say, best = legend.prose, comparison.best
    if best.model is None:
        return (say("best.lead_none"),)
    names = {"model": legend.model(best.model), "reference": legend.model(best.reference)}
    kind = "reference" if best.model == best.reference else "clear" if best.clear else "unclear"
    others = ", ".join(legend.model(model) for model in best.contenders)
    told = say("best.contenders", {"models": others}) if others else say("best.alone")
    return say(f"best.lead_{kind}", names), told, say(f"best.{best.evidence}")


def best_method(comparison: Comparison, legend: Legend) -> str:
    """Say how the intervals of the ranking were made."""
    best = comparison.best
    if not best.method:
        return ""
    method = legend.prose.word("pooling_method", best.method)
    told = legend.prose("best.method", {"method": method, "sites": len(best.sites)})
    return told if len(best.sites) >= _ENOUGH_SITES else f"{told} {legend.prose('best.few')}"


def verification_sentences(comparison: Comparison, legend: Legend) -> tuple[str, ...]:
    """Say whether the runs are signed and hold, and how many were refused or stand under another version."""
    say = legend.prose
    counts = dict(comparison.verdicts["use"].value_counts().iter_rows())
    told = [say("verification.signed" if comparison.signed else "verification.unsigned")]
    if comparison.signed:
        told.append(say("verification.all_good", {"used": counts.get("used", 0)}))
    told += [say(f"verification.{use}", {use: counts[use]}) for use in ("refused", "other") if counts.get(use)]
    return tuple(told)


def describe_comparison(comparison: Comparison, *, language: Language = "en") -> str:
    """Write what a comparison's run says of itself in MLflow, in Markdown: the best model first, then all of them."""
    legend = legend_of(comparison, language=language)
    facts, ranking = comparison.protocol, ranking_table(comparison, legend)
    rows = [ranking.columns, ["---"] * len(ranking.columns), *([cell.shown for cell in row] for row in ranking.rows)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows) if ranking.rows else ""
    parts = [
        f"**{' '.join(best_sentences(comparison, legend))}**",
        table,
        f"{facts.title[language]}: {facts.question[language]}",
        " ".join(verification_sentences(comparison, legend)),
        f"`report.{language}.html`, {facts.name} {facts.version}",
    ]
    return "\n\n".join(part for part in parts if part)


def standing_lines(comparison: Comparison, *, language: Language = "en") -> tuple[str, ...]:
    """Say in a few lines, for a terminal, which model is best, what was refused or changed, and what is missing."""
    legend = legend_of(comparison, language=language)
    lines = [*best_sentences(comparison, legend), *verification_sentences(comparison, legend)]
    nothing = legend.prose("verification.nothing")
    for row in comparison.changes.iter_rows(named=True):
        change = f"{row['field']}: {row['signed'] or nothing} → {row['stored'] or nothing}"
        lines.append(f"{row['name']} ({legend.prose('state.changed')}): {change}")
    if not comparison.missing.is_empty():
        lines.append(legend.prose("missing.count", {"missing": comparison.missing.height}))
    return tuple(lines)
