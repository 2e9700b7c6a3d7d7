"""Names and colours of sites and models, the same in every figure and table of a report."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from .comparison import Comparison
from .language import Language, Prose, prose

INK, MUTED, RULE, PANEL, ACCENT = "#1b2430", "#5a6673", "#d5dbe1", "#f3f6f8", "#0b4f6c"

# Okabe and Ito's colours for sites, Tol's muted ones for models: distinct within and between for every colour vision.
SITE_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a67c00", "#56b4e9")
MODEL_COLOURS = ("#332288", "#117733", "#aa4499", "#882255", "#999933", "#44aa99", "#cc6677")
REFERENCE_COLOUR = "#6b7580"
OTHERS = "others"  # stands for a training site where the models of all other sites were pooled


@dataclass(frozen=True, kw_only=True)
class Legend:
    """What a figure must know beside its data: the language, and who is called and coloured how.

    Sites and models take their colours in the order of their frames; the reference model is grey.
    """

    language: Language = "en"
    sites: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    reference_model: str = ""
    time_unit: str = "month"

    @property
    def prose(self) -> Prose:
        """The sentences of the legend's language."""
        return prose(self.language)

    def covering(self, found: pl.Series) -> "Legend":
        """Return the legend with the models of a column that it does not know added, in their order there."""
        names = found.drop_nulls().unique(maintain_order=True).to_list()
        return replace(self, models={**self.models, **{name: name for name in names if name not in self.models}})

    def site(self, name: str) -> str:
        """Return a site's label; one without a label goes by its name."""
        if name == OTHERS:
            return self.prose("direction.others")
        return self.sites.get(name) or name

    def model(self, name: str) -> str:
        """Return a model's label; one without a label goes by its name."""
        return self.models.get(name) or name

    def site_colour(self, name: str) -> str:
        """Return a site's colour; more sites than colours are all alike, and told apart by name."""
        if name == OTHERS or len(self.sites) > len(SITE_COLOURS):
            return ACCENT
        return _colour(name, tuple(self.sites), SITE_COLOURS)

    def model_colour(self, name: str) -> str:
        """Return a model's colour."""
        if name == self.reference_model:
            return REFERENCE_COLOUR
        return _colour(name, tuple(model for model in self.models if model != self.reference_model), MODEL_COLOURS)

    def direction(self, train_site: str, test_site: str, *, short: bool = False) -> str:
        """Say where a model was trained and where it was tested."""
        if train_site == OTHERS:
            key = "direction.pooled"
        else:
            key = "direction.internal" if train_site == test_site else "direction.external"
        key = f"{key}_short" if short else key
        return self.prose(key, {"train": self.site(train_site), "test": self.site(test_site)})

    def duration(self, length: float) -> str:
        """Say a length of time in the protocol's unit."""
        return self.prose.duration(length, self.time_unit)


def legend_of(comparison: Comparison, *, language: Language = "en") -> Legend:
    """Read the names of a comparison's sites and models in a language."""
    return Legend(
        language=language,
        sites=_labels(comparison.sites, "site", prose(language)),
        models=_labels(comparison.models, "model", prose(language)),
        reference_model=comparison.protocol.reference_model,
        time_unit=comparison.protocol.time_unit,
    )


def in_order(found: pl.Series, order: Mapping[str, str]) -> list[str]:
    """List the names in a column in the legend's order, unknown ones last."""
    names = set(found.drop_nulls().to_list())
    return [name for name in order if name in names] + sorted(names - set(order))


def directions(frame: pl.DataFrame, legend: Legend) -> list[tuple[str, str]]:
    """List the pairs of training and testing site in a frame in the legend's order, external ones first."""
    there = set(frame.select("train_site", "test_site").iter_rows())
    trains, tests = in_order(frame["train_site"], legend.sites), in_order(frame["test_site"], legend.sites)
    pairs = [(train, test) for train in trains for test in tests if (train, test) in there]
    return sorted(pairs, key=lambda pair: pair[0] == pair[1])


def _labels(frame: pl.DataFrame, key: str, words: Prose) -> dict[str, str]:
    return {row[key]: words.pick(row, "label") or row[key] for row in frame.iter_rows(named=True)}


def _colour(name: str, names: tuple[str, ...], colours: tuple[str, ...]) -> str:
    place = names.index(name) if name in names else len(names)
    return colours[place % len(colours)]
