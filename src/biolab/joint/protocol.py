"""The protocol: everything a joint experiment decides before anyone looks at a patient."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from biolab.core import ConfigError, canonical_json, did_you_mean, sha256_hex
from biolab.core.validation import Settings, parse_settings
from biolab.data import Codebook, Column, CompositeEndpoint, Eligibility, Label, Panel, RowFilter, SiteMapping
from biolab.survival import MEASURES

from .endpoints import Endpoint, Subgroup
from .identity import checked_public_key
from .model_specs import (
    OUTCOMES,
    BoostedHazardSpec,
    BoostedTreesSpec,
    CoxSpec,
    IndexSpec,
    ModelSpec,
    Months,
    PanelSpec,
    refuse_small_leaves,
)
from .protocol_file import read_protocol_file

Claim = Literal["risks", "discrimination"]
Exchange = Literal["pairs", "pooled"]
RESERVED = "others"
DISCRIMINATION = ("harrell_c", "uno_c", "time_dependent_auc")


class Header(Settings):
    """What the experiment is called and asks."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Label
    question: Label


class Evaluation(Settings):
    """How performance is estimated inside a site and how uncertain it is said to be.

    ``claims = "discrimination"`` judges the ranking of patients only: endpoints that differ between sites allow no word
    on the predicted risks. ``exchange`` says which external validations are made: every site's models at every other
    site (pairs), and at each site the models of all others pooled (leave one institution out).
    """

    reference: str
    claims: Claim = "risks"
    exchange: Annotated[tuple[Exchange, ...], Field(min_length=1)] = ("pairs",)
    folds: Annotated[int, Field(ge=2)] = 5
    replicates: Annotated[int, Field(ge=100)] = 500
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    seed: Annotated[int, Field(ge=0)] = 0


class Missing(Settings):
    """What happens to a null in a covariate: stop, drop the patient, or impute inside the folds."""

    policy: Literal["refuse", "drop", "impute"] = "refuse"


class Release(Settings):
    """What may leave a site.

    No cell under ``minimum_cell`` patients, no time finer than ``grid`` months, nothing at all of a site with fewer
    than ``minimum_events`` events, and no model with more than ``parameters_per_patient`` coefficients a patient.
    """

    minimum_cell: Annotated[int, Field(ge=3)] = 10
    minimum_events: Annotated[int, Field(ge=3)] = 10
    parameters_per_patient: Annotated[float, Field(gt=0, le=0.5)] = 1 / 3
    grid: Months = 3.0


class Site(Settings):
    """An institution: its name, its public key, its data set and how its columns become the codebook's.

    ``rows`` picks the site's own rows where one file holds those of several institutions. ``note`` says what a reader
    of its results must know, such as another endpoint.
    """

    label: Label
    country: str
    public_key: Annotated[str, AfterValidator(checked_public_key)] | None = None
    note: Label | None = None
    dataset: str | None = None
    rows: RowFilter | None = None
    columns: dict[str, Column]
    endpoint: CompositeEndpoint | None = None

    @property
    def mapping(self) -> SiteMapping:
        """How the site's columns become the codebook's variables."""
        return SiteMapping(columns=self.columns, endpoint=self.endpoint)


class Protocol(Settings):
    """A locked question, codebook, cohort, set of models and rules; its SHA-256 names it.

    Examples
    --------
    >>> protocol = Protocol.load("experiments/breast-prognosis")  # doctest: +SKIP
    """

    protocol: Header
    endpoint: Endpoint
    codebook: Codebook
    panels: dict[str, Panel] = Field(default_factory=dict)
    eligibility: tuple[Eligibility, ...] = ()
    missing: Missing = Missing()
    models: Annotated[tuple[ModelSpec, ...], Field(min_length=1)]
    evaluation: Evaluation
    subgroups: tuple[Subgroup, ...] = ()
    release: Release = Release()
    sites: Annotated[dict[str, Site], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_agree(self) -> "Protocol":
        if RESERVED in self.sites:
            raise ValueError(f"a site cannot be called {RESERVED!r}: the name stands for all other sites pooled")
        names = [spec.name for spec in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"model names repeat: {names}")
        _require(self.evaluation.reference, names, "evaluation.reference")
        keys = [site.public_key for site in self.sites.values() if site.public_key is not None]
        if len(set(keys)) < len(keys):
            raise ValueError("two sites have the same public_key; each site makes its own with: biolab site init ID")
        for spec in self.models:
            self._check_model(spec)
        for group in self.subgroups:
            _require(group.variable, self.codebook.root, "subgroups")
            if (self.codebook[group.variable].type in {"number", "integer"}) != bool(group.cut):
                raise ValueError(f"subgroups: {group.variable!r} needs cut points if it is a number, and only then")
        return self

    def _check_model(self, spec: ModelSpec) -> None:
        kind = self.endpoint.kind
        if kind not in OUTCOMES[spec.kind]:
            fitting = ", ".join(sorted(name for name, kinds in OUTCOMES.items() if kind in kinds))
            raise ValueError(f"models.{spec.name} is of kind {spec.kind!r}; an endpoint of kind {kind!r} has {fitting}")
        if isinstance(spec, PanelSpec):
            _require(spec.panel, self.panels, f"models.{spec.name}.panel")
            if isinstance(spec, IndexSpec):
                self.panels[spec.panel].require(spec.features, f"models.{spec.name}.features")
            return
        for term in spec.terms:
            _require(term.variable, self.codebook.root, f"models.{spec.name}.terms")
            if term.variable == self.endpoint.variable:
                raise ValueError(f"models.{spec.name}.terms holds {term.variable!r}, which is what is predicted")
        if isinstance(spec, BoostedHazardSpec):
            refuse_small_leaves(spec, self.endpoint.tau, self.release.minimum_cell)
        if isinstance(spec, BoostedTreesSpec) and spec.leaf_size < self.release.minimum_cell:
            raise ValueError(
                f"models.{spec.name}.leaf_size is {spec.leaf_size}; every leaf must rest on at least "
                f"{self.release.minimum_cell} patients"
            )

    @model_validator(mode="after")
    def _outcome_is_there(self) -> "Protocol":
        name = self.endpoint.variable
        if name is None:
            return self
        _require(name, self.codebook.root, "endpoint.variable")
        variable = self.codebook[name]
        if self.endpoint.kind == "number" and variable.type not in {"number", "integer"}:
            raise ValueError(f"endpoint.variable {name!r} is a {variable.type}; kind 'number' needs a number")
        if self.endpoint.kind == "binary":
            codes = (False, True) if variable.type == "boolean" else variable.codes
            if self.endpoint.positive not in codes:
                raise ValueError(f"endpoint.positive is {self.endpoint.positive!r}; {name!r} has the codes {codes}")
        return self

    @classmethod
    def load(cls, experiment: Path | str) -> "Protocol":
        """Read ``protocol.toml`` from an experiment's folder, or the file itself.

        Raises
        ------
        ConfigError
            If the file is missing, is not TOML, or says something a protocol cannot say.
        """
        content, file = read_protocol_file(experiment)
        return parse_settings(cls, content, source=str(file))

    @property
    def sha256(self) -> str:
        """Digest of the canonical JSON of everything the protocol says."""
        return sha256_hex(self.canonical.encode())

    @property
    def name(self) -> str:
        """Name of the protocol, and of its MLflow experiment after ``biolab/``."""
        return self.protocol.name

    @property
    def version(self) -> str:
        """Version of the protocol."""
        return self.protocol.version

    @property
    def canonical(self) -> str:
        """Everything the protocol says, as canonical JSON; what ``sha256`` digests."""
        return canonical_json(self.model_dump(mode="json")).decode()

    @property
    def parameters(self) -> dict[str, object]:
        """What decides the numbers, for the parameters of a run: endpoint, evaluation, missing values and release."""
        return {
            part: getattr(self, part).model_dump(mode="json", exclude={"label"}, exclude_none=True)
            for part in ("endpoint", "evaluation", "missing", "release")
        }

    @property
    def keys(self) -> dict[str, str]:
        """Public keys of the sites that have one, by site."""
        return {name: site.public_key for name, site in self.sites.items() if site.public_key is not None}

    @property
    def cox_models(self) -> list[str]:
        """Names of the models that have coefficients."""
        return [spec.name for spec in self.models if isinstance(spec, CoxSpec)]

    @property
    def signature_models(self) -> list[str]:
        """Names of the models that use features of a panel."""
        return [spec.name for spec in self.models if isinstance(spec, PanelSpec)]

    @property
    def unpenalised_cox_models(self) -> list[str]:
        """Names of the models whose hazard ratios can be pooled."""
        return [spec.name for spec in self.models if isinstance(spec, CoxSpec) and spec.penalty is None]

    @property
    def grid(self) -> tuple[float, ...]:
        """Months at which released curves stand: every ``release.grid`` up to ``endpoint.tau``, and the horizons."""
        steps = int(self.endpoint.tau / self.release.grid + 1e-9)
        times = {round(self.release.grid * step, 6) for step in range(1, steps + 1)}
        return tuple(sorted(times | set(self.endpoint.horizons) | {self.endpoint.tau}))

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures of performance that the protocol's claims allow."""
        return DISCRIMINATION if self.evaluation.claims == "discrimination" else MEASURES

    @property
    def is_survival(self) -> bool:
        """Whether the endpoint is a time to an event."""
        return self.endpoint.kind == "survival"

    def site(self, name: str) -> Site:
        """Return a site by its name."""
        if name not in self.sites:
            raise ConfigError(f"{name!r} is not a site of protocol {self.name}. {did_you_mean(name, self.sites)}")
        return self.sites[name]

    def in_order(self, sites: Sequence[str]) -> "Protocol":
        """Return the protocol with these sites first and in this order.

        Canonical JSON sorts names, so the digest stays the same, and a protocol read from it has lost the order.
        """
        first = [name for name in sites if name in self.sites]
        return self.model_copy(
            update={"sites": {name: self.sites[name] for name in dict.fromkeys([*first, *self.sites])}}
        )

    def with_seed(self, seed: int | None) -> "Protocol":
        """Return the protocol under another seed; it is another protocol then, with another digest."""
        if seed is None or seed == self.evaluation.seed:
            return self
        return self.model_copy(update={"evaluation": self.evaluation.model_copy(update={"seed": seed})})


def _require(name: str, known: Collection[str], where: str) -> None:
    if name not in known:
        raise ValueError(f"{where} names {name!r}, which is not there. {did_you_mean(name, known)}")
