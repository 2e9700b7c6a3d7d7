"""The short table that a command prints when an experiment is done."""

from biolab.reports.comparison import Comparison
from biolab.reports.language import Language
from biolab.reports.legend import directions, in_order, legend_of
from biolab.reports.metrics import last_key, metric_keys, metric_label, reading
from biolab.reports.values import MISSING, estimate, index_values

_LEADING = ("harrell_c", "uno_c", "auc", "r2")


def console_table(comparison: Comparison, *, language: Language = "en") -> list[tuple[str, ...]]:
    """Return rows of model, trained at, tested at, the leading measure and the calibration slope; heads come first."""
    legend = legend_of(comparison, language=language)
    say = legend.prose
    there = {key.metric: key for key in metric_keys(comparison.validation)}
    leading = next((there[name] for name in _LEADING if name in there), None)
    values = index_values(comparison.validation, ("train_site", "test_site", "model", "metric", "horizon"))
    measure = metric_label(leading, say, legend.time_unit, short=True) if leading else say("metric.harrell_c_short")
    slope_key = last_key(comparison.validation, "calibration_slope")
    has_slope = slope_key in metric_keys(comparison.validation)
    heads = [say(f"console.{name}") for name in ("model", "trained", "tested")]
    rows = [(*heads, say("console.measure", {"metric": measure}), *([say("console.slope")] if has_slope else []))]
    for train, test in directions(comparison.validation, legend):
        for model in in_order(comparison.validation["model"], legend.models):
            c = values.get((train, test, model, *leading), MISSING) if leading else MISSING
            slope = values.get((train, test, model, *slope_key), MISSING)
            digits = reading("harrell_c").digits
            numbers = [estimate(c, digits, say)]
            if has_slope:
                numbers.append(estimate(slope, reading("calibration_slope").digits, say))
            rows.append((legend.model(model), legend.site(train), legend.site(test), *numbers))
    return rows
