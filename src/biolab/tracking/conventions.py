"""The names under which a joint experiment stands in MLflow: experiments, tags, roles and registered models."""

import re
from typing import Literal, get_args

from biolab.core import ConfigError, did_you_mean

Role = Literal["site", "model", "validation", "comparison", "federated"]
"""What a run is: a site's parent run, one fitted model, a model on a cohort, a comparison, a federated fit."""

PROTOCOL_NAME = "biolab.protocol.name"
PROTOCOL_VERSION = "biolab.protocol.version"
PROTOCOL_SHA256 = "biolab.protocol.sha256"
SITE = "biolab.site"
"""The institution whose cohort the run is about."""
ROLE = "biolab.role"
MODEL = "biolab.model"
MODEL_SITE = "biolab.model.site"
"""The institution where the model was fitted; differs from ``SITE`` in an external validation."""
PROCESS = "biolab.process"
"""The process that writes the run, so that a run whose process died can be told from a running one."""
FAILURE = "biolab.failure"
"""Class of the exception that ended the run; never its message, which could quote data."""
SKIPPED_METRICS = "biolab.metrics.skipped"
"""Metrics that were NaN or infinite and therefore not logged."""
SHORTENED_PARAMS = "biolab.params.shortened"
"""Parameters too long for MLflow, kept whole as artifacts under ``params/``."""
DATASET_DIGEST = "biolab.dataset.digest"
"""Full digest of a cohort; MLflow's own field holds 36 characters."""
CODE_VERSION = "biolab.code.version"
CODE_COMMIT = "biolab.code.commit"
ENVIRONMENT_SHA256 = "biolab.environment.sha256"
"""Digest of the installed packages' names and versions when the run began."""
MODEL_RUN_DIGEST = "biolab.model.run_digest"
"""Digest of the signed run whose model was validated; the same in every store, unlike the run's identifier."""
RUN_DIGEST = "biolab.run_digest"
SIGNATURE = "biolab.signature"
SITE_KEY = "biolab.site.key"
IMPORT_COMPLETE = "biolab.import.complete"
"""Set once an imported run was read back and found whole; its value is the digest of the bundle."""

NOTE = "mlflow.note.content"
USER = "mlflow.user"
RUN_NAME = "mlflow.runName"
PARENT_RUN = "mlflow.parentRunId"
SOURCE_NAME = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
LOGGED_TABLES = "mlflow.loggedArtifacts"
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Opens an experiment on MLflow's pages for models rather than those for language models."""
DATASET_CONTEXT = "mlflow.data.context"

SIGNED_TAGS = frozenset(
    {
        *(PROTOCOL_NAME, PROTOCOL_VERSION, PROTOCOL_SHA256, SITE, ROLE, MODEL, MODEL_SITE, MODEL_RUN_DIGEST),
        *(SKIPPED_METRICS, SHORTENED_PARAMS, CODE_VERSION, CODE_COMMIT, ENVIRONMENT_SHA256, NOTE, LOGGED_TABLES),
    }
)
"""The tags that a signature covers and a bundle carries."""
STORE_TAGS = frozenset({PROCESS, RUN_DIGEST, SIGNATURE, SITE_KEY, IMPORT_COMPLETE})
"""Tags of ours that belong to one store: a bundle never carries them."""

_WORD = re.compile(r"\w[\w.-]*")


def checked_word(kind: str, word: str) -> str:
    """Return a protocol, site or model name that MLflow, its search language and a file system all take.

    >>> checked_word("site", "gbsg")
    'gbsg'

    Raises
    ------
    ConfigError
        If the name is empty or holds anything but letters, digits, ``_``, ``.`` and ``-``.
    """
    if not _WORD.fullmatch(word):
        raise ConfigError(
            f"The {kind} name {word!r} cannot be used in MLflow; use letters, digits, '_', '.' and '-', "
            "beginning with a letter or digit."
        )
    return word


def experiment_name(protocol: str, site: str | None = None) -> str:
    """Name the MLflow experiment of a protocol, or of one site of it on a joint server.

    >>> experiment_name("breast-prognosis"), experiment_name("breast-prognosis", "gbsg")
    ('biolab/breast-prognosis', 'biolab/breast-prognosis/gbsg')
    """
    name = f"biolab/{checked_word('protocol', protocol)}"
    return name if site is None else f"{name}/{checked_word('site', site)}"


def registered_model_name(protocol: str, model: str, site: str) -> str:
    """Name under which a site's model of a protocol is registered.

    >>> registered_model_name("breast-prognosis", "cox", "gbsg")
    'biolab-breast-prognosis-cox-gbsg'
    """
    words = (checked_word("protocol", protocol), checked_word("model", model), checked_word("site", site))
    return "-".join(("biolab", *words))


def run_tags(  # noqa: PLR0913 - one keyword a tag
    *,
    protocol: str,
    version: str,
    sha256: str,
    role: Role,
    site: str | None = None,
    model: str | None = None,
    model_site: str | None = None,
) -> dict[str, str]:
    """Return the tags every run of a protocol carries.

    >>> run_tags(protocol="demo", version="1.0", sha256="ab" * 32, role="model", site="gbsg", model="cox")[
    ...     "biolab.site"
    ... ]
    'gbsg'

    Raises
    ------
    ConfigError
        If the role is unknown or a name cannot stand in MLflow.
    """
    if role not in get_args(Role):
        raise ConfigError(f"The role {role!r} is unknown. {did_you_mean(role, get_args(Role))}")
    tags = {
        PROTOCOL_NAME: checked_word("protocol", protocol),
        PROTOCOL_VERSION: str(version),
        PROTOCOL_SHA256: sha256,
        ROLE: role,
    }
    optional = {SITE: ("site", site), MODEL: ("model", model), MODEL_SITE: ("site", model_site)}
    return tags | {tag: checked_word(kind, word) for tag, (kind, word) in optional.items() if word is not None}


def code_tags(*, version: str, commit: str | None, environment: str) -> dict[str, str]:
    """Return the tags that say what computed a run's numbers."""
    known = {CODE_VERSION: version, ENVIRONMENT_SHA256: environment}
    return known if commit is None else known | {CODE_COMMIT: commit}


def artifact_folder(experiment: str) -> str:
    """Name a relative folder for an experiment's artifacts that every file system takes.

    >>> artifact_folder("biolab/breast-prognosis"), artifact_folder("a: b/../c")
    ('biolab/breast-prognosis', 'a-b/_/c')
    """
    parts = (re.sub(r"[^\w.-]+", "-", part).strip(".") or "_" for part in experiment.split("/"))
    return "/".join(parts)
