"""The protocol: everything a joint experiment decides before anyone looks at a patient."""

import math
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from biolab.core import ConfigError, canonical_json, did_you_mean, sha256_hex
from biolab.core.validation import Settings, parse_settings
from biolab.data import Codebook, Column, CompositeEndpoint, Eligibility, Label, SiteMapping

from .identity import checked_public_key

Months = PositiveFloat


class Header(Settings):
    """What the experiment is called and asks."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    title: Label
    question: Label


class Endpoint(Settings):
    """The event, its clock, and the horizons at which predictions are judged.

    ``tau`` restricts Uno's C and the integrated Brier score to times that every site observes.
    """

    label: Label
    horizons: Annotated[tuple[Months, ...], Field(min_length=1)]
    tau: Months

    @model_validator(mode="after")
    def _horizons_within_tau(self) -> "Endpoint":
        if list(self.horizons) != sorted(set(self.horizons)) or self.horizons[-1] > self.tau:
            raise ValueError(f"horizons {list(self.horizons)} must rise and end at or before tau = {self.tau:g}")
        return self


class Term(Settings):
    """A variable of the codebook in a model, numbers optionally as log(1 + x).

    ``per`` is the step a hazard ratio of a number is stated for, in its unit; of log(1 + x) it is stated per doubling.
    """

    variable: str
    transform: Literal["identity", "log1p"] = "identity"
    per: PositiveFloat = 1.0


class RidgeChoice(Settings):
    """Ridge penalty whose strength cross-validated partial likelihood chooses."""

    kind: Literal["ridge"] = "ridge"
    strengths: Annotated[tuple[PositiveFloat, ...], Field(min_length=2)]
    folds: Annotated[int, Field(ge=2)] = 5


class CoxSpec(Settings):
    """Cox proportional hazards model on the terms."""

    kind: Literal["cox"]
    name: str
    label: Label
    description: Label
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    ties: Literal["efron", "breslow"] = "efron"
    penalty: RidgeChoice | None = None


class BoostedHazardSpec(Settings):
    """Gradient-boosted discrete-time hazard on person-periods of ``interval`` months."""

    kind: Literal["boosted_hazard"]
    name: str
    label: Label
    description: Label
    terms: Annotated[tuple[Term, ...], Field(min_length=1)]
    interval: Months = 6.0
    iterations: PositiveInt = 100
    learning_rate: PositiveFloat = 0.05
    leaves: Annotated[int, Field(ge=2)] = 6
    leaf_size: PositiveInt = 200


ModelSpec = Annotated[CoxSpec | BoostedHazardSpec, Field(discriminator="kind")]


class Evaluation(Settings):
    """How performance is estimated inside a site and how uncertain it is said to be."""

    reference: str
    folds: Annotated[int, Field(ge=2)] = 5
    replicates: Annotated[int, Field(ge=100)] = 500
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    seed: Annotated[int, Field(ge=0)] = 0


class Missing(Settings):
    """What happens to a null in a covariate: stop, drop the patient, or impute inside the folds."""

    policy: Literal["refuse", "drop", "impute"] = "refuse"


class Release(Settings):
    """What may leave a site: no cell under ``minimum_cell`` patients, no time finer than ``grid`` months."""

    minimum_cell: Annotated[int, Field(ge=3)] = 10
    grid: Months = 3.0


class Site(Settings):
    """An institution: its name, its public key, its data set and how its columns become the codebook's."""

    label: Label
    country: str
    public_key: Annotated[str, AfterValidator(checked_public_key)] | None = None
    dataset: str | None = None
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
    eligibility: tuple[Eligibility, ...] = ()
    missing: Missing = Missing()
    models: Annotated[tuple[ModelSpec, ...], Field(min_length=1)]
    evaluation: Evaluation
    release: Release = Release()
    sites: Annotated[dict[str, Site], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_agree(self) -> "Protocol":
        names = [spec.name for spec in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"model names repeat: {names}")
        _require(self.evaluation.reference, names, "evaluation.reference")
        keys = [site.public_key for site in self.sites.values() if site.public_key is not None]
        if len(set(keys)) < len(keys):
            raise ValueError("two sites have the same public_key; each site makes its own with: biolab site init ID")
        for spec in self.models:
            for term in spec.terms:
                _require(term.variable, self.codebook.root, f"models.{spec.name}.terms")
            if isinstance(spec, BoostedHazardSpec):
                _refuse_small_leaves(spec, self.endpoint.tau, self.release.minimum_cell)
        return self

    @classmethod
    def load(cls, experiment: Path | str) -> "Protocol":
        """Read ``protocol.toml`` from an experiment's folder, or the file itself.

        Raises
        ------
        ConfigError
            If the file is missing, is not TOML, or says something a protocol cannot say.
        """
        path = Path(experiment)
        file = path / "protocol.toml" if path.is_dir() else path
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ConfigError(f"{file} does not exist. Name a folder that holds a protocol.toml.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} is not TOML: {error}") from error
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
            part: getattr(self, part).model_dump(mode="json", exclude={"label"})
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
    def unpenalised_cox_models(self) -> list[str]:
        """Names of the models whose hazard ratios can be pooled."""
        return [spec.name for spec in self.models if isinstance(spec, CoxSpec) and spec.penalty is None]

    @property
    def grid(self) -> tuple[float, ...]:
        """Months at which released curves stand: every ``release.grid`` up to ``endpoint.tau``, and the horizons."""
        steps = int(self.endpoint.tau / self.release.grid + 1e-9)
        times = {round(self.release.grid * step, 6) for step in range(1, steps + 1)}
        return tuple(sorted(times | set(self.endpoint.horizons) | {self.endpoint.tau}))

    def site(self, name: str) -> Site:
        """Return a site by its name."""
        if name not in self.sites:
            raise ConfigError(f"{name!r} is not a site of protocol {self.name}. {did_you_mean(name, self.sites)}")
        return self.sites[name]

    def with_seed(self, seed: int | None) -> "Protocol":
        """Return the protocol under another seed; it is another protocol then, with another digest."""
        if seed is None or seed == self.evaluation.seed:
            return self
        return self.model_copy(update={"evaluation": self.evaluation.model_copy(update={"seed": seed})})


def _require(name: str, known: Collection[str], where: str) -> None:
    if name not in known:
        raise ValueError(f"{where} names {name!r}, which is not there. {did_you_mean(name, known)}")


def _refuse_small_leaves(spec: BoostedHazardSpec, tau: float, minimum_cell: int) -> None:
    # A patient adds at most one row an interval: so many rows in a leaf are at least a minimum cell of patients.
    needed = minimum_cell * math.ceil(tau / spec.interval)
    if spec.leaf_size < needed:
        raise ValueError(
            f"models.{spec.name}.leaf_size is {spec.leaf_size}; {needed} person-periods are needed so that every leaf "
            f"rests on at least {minimum_cell} patients"
        )
