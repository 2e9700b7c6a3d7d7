"""The answer in plain language, from the numbers: who ranks best where, by how much, and whether it travels."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from .comparison import Comparison
from .language import Language
from .legend import OTHERS, Legend, directions, legend_of
from .metrics import MetricKey, last_key, metric_keys, metric_label, reading
from .values import MISSING, Side, Value, estimate, index_values

Transport = Literal["below", "lower", "similar", "above", "missing"]
_CARDS = 6
_HEADLINES = ("harrell_c", "uno_c", "time_dependent_auc", "auc", "r2")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found in one direction: the model with the highest discrimination and how its risks fit.

    ``difference`` is paired with the reference on the same patients; ``home`` is the same model developed at the
    testing site.
    """

    train_site: str
    test_site: str
    model: str
    value: Value
    difference: Value
    home: Value
    slope: Value
    ratio: Value
    is_reference: bool
    judged: str = "risks"
    runner_up: str = ""
    runner_up_value: Value = MISSING
    runner_up_difference: Value = MISSING

    @property
    def gain(self) -> Side:
        """On which side of zero the difference to the reference lies; the reference itself has no clear gain."""
        return "unclear" if self.is_reference else self.difference.side_of(0.0)

    @property
    def against_home(self) -> Transport:
        """How the imported model does against the home-grown one.

        ``below`` and ``above``: their intervals don't meet; ``lower``: they meet, but the estimate lies under the
        home-grown model's interval; else ``similar``.
        """
        if self.value.estimate is None or self.home.lower is None or self.home.upper is None:
            return "missing"
        if self.value.side_of(self.home.upper) == "above":
            return "above"
        if self.value.side_of(self.home.lower) == "below":
            return "below"
        return "lower" if self.value.estimate < self.home.lower else "similar"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One direction as the reader sees it: heading, headline number, and sentences."""

    heading: str
    model: str
    colour: str
    measure: str
    number: str
    gain: Side
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The opening of the page: a lead of a few sentences and a card a direction."""

    lead: tuple[str, ...]
    cards: tuple[Card, ...]
    note: str


def findings(comparison: Comparison, legend: Legend) -> tuple[MetricKey | None, list[Finding]]:
    """Pick the leading measure of discrimination and what it says in each direction, external ones if there are any."""
    headline = _headline(comparison.validation)
    if headline is None:
        return None, []
    keys = ("metric", "horizon", "train_site", "test_site", "model")
    values = index_values(comparison.validation, keys)
    gaps = index_values(comparison.differences, keys, "difference")
    slope, ratio = (last_key(comparison.validation, name) for name in ("calibration_slope", "observed_expected"))
    found: list[Finding] = []
    for train, test in directions(comparison.validation, legend):
        ranked = [
            (value.estimate, model)
            for model in comparison.models["model"]
            if (value := values.get((*headline, train, test, model), MISSING)).estimate is not None
        ]
        if not ranked:
            continue
        model = max(ranked, key=lambda pair: pair[0])[1]
        at = (train, test, model)
        reference = comparison.protocol.reference_model
        second = max((pair for pair in ranked if pair[1] != reference), default=(0.0, ""), key=lambda pair: pair[0])[1]
        behind = (train, test, second)
        found.append(
            Finding(
                train_site=train,
                test_site=test,
                model=model,
                value=values[(*headline, *at)],
                difference=gaps.get((*headline, *at), MISSING),
                home=values.get((*headline, test, test, model), MISSING),
                slope=values.get((*slope, *at), MISSING),
                ratio=values.get((*ratio, *at), MISSING),
                is_reference=model == comparison.protocol.reference_model,
                judged=comparison.protocol.claims,
                runner_up=second,
                runner_up_value=values.get((*headline, *behind), MISSING),
                runner_up_difference=gaps.get((*headline, *behind), MISSING),
            )
        )
    external = [finding for finding in found if finding.train_site != finding.test_site]
    pooled = [finding for finding in external if finding.train_site == OTHERS]
    return headline, (pooled if pooled and len(external) > _CARDS else external) or found


def answer(comparison: Comparison, *, language: Language = "en") -> Answer:
    """Write the opening of the page in the reader's language.

    A difference is called clear only if its whole interval lies on one side of zero.
    """
    legend = legend_of(comparison, language=language)
    headline, found = findings(comparison, legend)
    if headline is None or not found:
        return Answer(lead=(legend.prose("answer.lead_nothing"),), cards=(), note="")
    horizon = last_key(comparison.validation, "observed_expected").horizon
    timeless = comparison.protocol.outcome != "survival"
    time = "" if timeless else legend.prose("answer.follow_up_end") if horizon is None else legend.duration(horizon)
    told = found if len(found) <= _CARDS else []
    cards = tuple(_card(finding, headline, legend, time) for finding in told)
    lead = [*_lead(found, legend), *_promises(comparison, legend)]
    if comparison.protocol.claims == "discrimination":
        lead.append(legend.prose("answer.discrimination_only"))
    if not told:
        lead.append(legend.prose("answer.cards_left_out", {"total": len(found)}))
    note = legend.prose("answer.chosen", {"models": comparison.models.height})
    return Answer(lead=tuple(lead), cards=cards, note=note)


def _headline(validation: pl.DataFrame) -> MetricKey | None:
    there = metric_keys(validation.filter(pl.col("estimate").is_not_null() & pl.col("estimate").is_not_nan()))
    ranked = [key for name in _HEADLINES for key in there if key.metric == name]
    return ranked[0] if ranked else None


def _lead(found: list[Finding], legend: Legend) -> list[str]:
    if all(finding.train_site == finding.test_site for finding in found):
        return [legend.prose("answer.lead_internal")]
    clear = sum(finding.gain == "above" for finding in found)
    kind = "none" if clear == 0 else "all" if clear == len(found) else "some"
    reference = legend.model(legend.reference_model)
    values = {"clear": clear, "total": len(found), "reference": reference}
    lead = [legend.prose(f"answer.lead_{kind}", values)]
    comparable = [finding for finding in found if finding.against_home != "missing" and not finding.is_reference]
    if comparable:
        carried = sum(finding.against_home in {"similar", "above"} for finding in comparable)
        lead.append(legend.prose("answer.carried", {"carried": carried, "total": len(comparable)}))
    return lead


def _promises(comparison: Comparison, legend: Legend) -> list[str]:
    """Say, of the model that looked best at home, what cross-validation promised and what was found elsewhere."""
    say = legend.prose
    first = comparison.transport.filter(pl.col("metric") == next(iter(comparison.transport["metric"]), ""))
    values = index_values(first, ("model", "setting"))
    at_home = [
        (value.estimate or 0.0, model)
        for (model, setting), value in values.items()
        if setting == "home" and model != legend.reference_model
    ]
    if not at_home:
        return []
    model, digits = str(max(at_home)[1]), reading("harrell_c").digits
    found = {
        setting: estimate(values[model, setting], digits, say)
        for setting in ("abroad", "pooled")
        if (model, setting) in values
    }
    if not found:
        return []
    parts = [say(f"answer.promise_{setting}", {setting: text}) for setting, text in found.items()]
    home = estimate(values[model, "home"], digits, say)
    told = {"model": legend.model(model), "home": home, "found": say("answer.promise_and").join(parts)}
    return [say("answer.promise", told)]


def _card(finding: Finding, headline: MetricKey, legend: Legend, time: str) -> Card:
    say, digits = legend.prose, reading(headline.metric).digits
    measure = metric_label(headline, say, legend.time_unit)
    value = estimate(finding.value, digits, say)
    sentences = [say("answer.only_reference" if finding.is_reference else "answer.best",
                     {"metric": measure, "model": legend.model(finding.model), "value": value})]  # fmt: skip
    if finding.is_reference and finding.runner_up:
        told = {"model": legend.model(finding.runner_up), "value": estimate(finding.runner_up_value, digits, say),
                "difference": estimate(finding.runner_up_difference, digits, say, signed=True)}  # fmt: skip
        sentences.append(say("answer.runner_up", told))
    if not finding.is_reference:
        gain = {"above": "better", "below": "worse"}.get(finding.gain, finding.gain)
        difference = estimate(finding.difference, digits, say, signed=True)
        sentences.append(say(f"answer.difference_{gain}", {"difference": difference}))
    if finding.train_site != finding.test_site:
        home = {"test": legend.site(finding.test_site), "home": estimate(finding.home, digits, say)}
        sentences.append(say(f"answer.home_{finding.against_home}", home))
    return Card(
        heading=legend.direction(finding.train_site, finding.test_site),
        model=legend.model(finding.model),
        colour=legend.model_colour(finding.model),
        measure=measure,
        number=value,
        gain=finding.gain,
        sentences=(*sentences, *_calibration(finding, legend, time)),
    )


def _calibration(finding: Finding, legend: Legend, time: str) -> list[str]:
    """Say whether the predicted risks fit, where that was judged at all."""
    if finding.slope.estimate is None and finding.ratio.estimate is None and finding.judged == "discrimination":
        return []
    say = legend.prose
    sentences = []
    sentences.append(say(f"answer.slope_{finding.slope.side_of(1.0)}", {"slope": estimate(finding.slope, 2, say)}))
    if time or finding.ratio.estimate is not None:
        kind = "ratio" if time else "share"
        values = {"time": time, "ratio": estimate(finding.ratio, 2, say)}
        sentences.append(say(f"answer.{kind}_{finding.ratio.side_of(1.0)}", values))
    return sentences
