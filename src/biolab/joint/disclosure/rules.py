"""The rules of the gate, and what a protocol says about them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from biolab.core import canonical_json
from biolab.data import Variable
from biolab.joint.example import middle_values
from biolab.joint.model_specs import IndexSpec, ModelSpec, PanelSpec
from biolab.joint.protocol import Protocol
from biolab.joint.versions import COMPUTES

LETTERS = re.compile(r"[^\W\d_]+")
MODEL_KINDS = frozenset({"cox", "boosted_hazard", "binary", "number"})
_RELEASED_AS = {"boosted_hazard": "boosted_hazard", "logistic": "binary", "ridge": "number"}

OWN_WORDS = """
site model metric horizon group patients events quartiles count missing recorded median mean sd percent reference
harrell uno c integrated brier score calibration slope time dependent auc observed expected intercept log loss accuracy
sensitivity specificity precision recall decision net benefit rmst integrated index r2 mse mae rmse deviance spread
reml normal interval hartung knapp pm dl fixed random paule mandel dersimonian laird wald score logit log none null
per doubling vs pre post yes no true false overall all total other train test internal external pooled site sites
patients recorded a an of the and or in to by is not at covariate covariates missing dropped remaining refuse drop
impute identity log1p linear logistic elastic net ridge lasso cox boosted hazard survival model validation comparison
federated finished failed withheld fit biolab python lower upper difference versus within between ratio hazard odds risk
step float int string bool date datetime null i8 boolean f64 i64 version name
"""
OWN_KOREAN = "마다 배마다 환자 기록된 공변량 결측 전체 합계 계 기타 대 및 의 없음 있음 예 아니오"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What may leave a site.

    Parameters
    ----------
    minimum_cell
        Smallest number of patients a published count, step or difference may rest on.
    cohort_size
        Patients at the site; lists as long as the cohort and models of a third as many parameters are refused. Unknown
        in general; ``check(..., cohort=frame)`` fills it in.
    words
        Words that text cells may be made of: those of the protocol and of our own tables. Empty: any short word that
        does not look like an identifier.
    variables
        Names of the codebook's variables; two of them as columns make a table of rows.
    identifiers
        Columns that tell patients apart.
    examples
        The two made-up values of each variable that a model's input example may hold.
    times
        The times at which curves may stand, 0 included.
    protocol
        Canonical JSON of the protocol; that very text may leave.
    codebook
        Canonical JSON of each variable of its codebook and panels; a released model may know no other.
    models
        Kinds of released models that may leave.
    longest
        Longest list or table without known keys where the cohort's size is unknown.
    marks
        Most marks of one series in a figure.
    """

    minimum_cell: int = 10
    cohort_size: int | None = None
    words: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    examples: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    times: tuple[float, ...] = ()
    protocol: str | None = None
    codebook: Mapping[str, str] | None = None
    models: frozenset[str] = MODEL_KINDS
    longest: int = 200
    marks: int = 25

    @property
    def too_long(self) -> int:
        """Length from which a list is as long as a cohort."""
        return self.longest if self.cohort_size is None else min(self.cohort_size, self.longest)


def rules_of(protocol: Protocol) -> Rules:
    """Return the rules of a protocol: its minimum cell, its words, its variables, its times and its models.

    Examples
    --------
    >>> rules_of(Protocol.load("experiments/breast-prognosis")).minimum_cell  # doctest: +SKIP
    10
    """
    book = protocol.codebook
    return Rules(
        minimum_cell=protocol.release.minimum_cell,
        words=frozenset(_words(protocol)),
        variables=frozenset(variable.name for variable in book.variables),
        identifiers=frozenset(_identifiers(protocol)),
        examples=_examples(protocol),
        times=(0.0, *protocol.grid),
        protocol=protocol.canonical,
        codebook={variable.name: _canonical(variable) for variable in (*book.variables, *_features(protocol))},
        models=frozenset(_released_as(protocol, spec) for spec in protocol.models),
    )


def words_of(text: str) -> set[str]:
    """Return the words of a text in lower case: runs of letters, without digits.

    >>> sorted(words_of("log1p(nodes), 10 Jahre"))
    ['jahre', 'log', 'nodes', 'p']
    """
    return {word.lower() for word in LETTERS.findall(text)}


def _words(protocol: Protocol) -> Iterator[str]:
    yield from words_of(f"{OWN_WORDS} {OWN_KOREAN} {' '.join(COMPUTES)}")
    yield from words_of(" ".join(_texts(protocol.model_dump(mode="json", exclude={"sites"}))))
    for name, site in protocol.sites.items():
        yield from words_of(f"{name} {site.label.en} {site.label.ko} {site.country}")
    for variable in protocol.codebook.variables:
        yield from words_of(f"{variable.name} {variable.said_unit.ko}마다")


def _texts(content: object) -> Iterator[str]:
    match content:
        case str():
            yield content
        case Mapping():
            for key, value in content.items():
                yield str(key)
                yield from _texts(value)
        case list() | tuple():
            for value in content:
                yield from _texts(value)


def _identifiers(protocol: Protocol) -> Iterator[str]:
    for name in (variable.name for variable in protocol.codebook.variables if variable.role == "id"):
        yield name
        for site in protocol.sites.values():
            if name in site.columns:
                yield site.columns[name].column


def _examples(protocol: Protocol) -> dict[str, tuple[object, object]]:
    used = {name: protocol.codebook[name] for spec in protocol.models for name in _variables(spec)}
    features = {variable.name: variable for variable in _features(protocol)}
    made_up = middle_values([*used.values(), *features.values()])
    return {column.name: (column[0], column[1]) for column in made_up.iter_columns()}


def _variables(spec: ModelSpec) -> tuple[str, ...]:
    return () if isinstance(spec, PanelSpec) else tuple(term.variable for term in spec.terms)


def _features(protocol: Protocol) -> Iterator[Variable]:
    """Yield every feature that a released model may use: those of an index, and all of a panel a signature is of."""
    for spec in protocol.models:
        if isinstance(spec, PanelSpec):
            panel = protocol.panels[spec.panel]
            for feature in spec.features if isinstance(spec, IndexSpec) else panel.features:
                yield panel.unchecked_variable(spec.panel, feature)


def _released_as(protocol: Protocol, spec: ModelSpec) -> str:
    """Name what kind of released model a model of the protocol becomes."""
    if spec.kind == "boosted_trees":
        return protocol.endpoint.kind
    return _RELEASED_AS.get(spec.kind, "cox")


def _canonical(variable: Variable) -> str:
    return canonical_json(variable.model_dump(mode="json")).decode()
