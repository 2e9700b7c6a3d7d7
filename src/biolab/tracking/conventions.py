"""The names under which a joint experiment stands in MLflow: experiments, tags, roles and registered models."""

import re
from typing import Literal, get_args

from biolab.core import ConfigError, did_you_mean, sha256_hex

Role = Literal["site", "model", "validation", "comparison", "federated", "batch"]
"""What a run is: a site's parent run, one fitted model, a model on a cohort, a comparison, a federated fit, a batch."""

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

BUNDLE_SHA256 = "biolab.bundle.sha256"
"""What a site's delivery says it holds."""
INBOX_STATE = "biolab.inbox.state"
INBOX_REASON = "biolab.inbox.reason"

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

_RESERVED = {"default", "workspaces", "api", "ajax-api", "static-files"}  # MLflow's own workspaces and paths
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


def inbox_name(protocol: str, site: str) -> str:
    """Name the experiment in which a site of a joint server leaves its bundles.

    >>> inbox_name("breast-prognosis", "gbsg")
    'biolab-inbox/breast-prognosis/gbsg'
    """
    return f"biolab-inbox/{checked_word('protocol', protocol)}/{checked_word('site', site)}"


def workspace_name(protocol: str) -> str:
    """Name a protocol's workspace on a joint server: lower case, digits and ``-``, as MLflow asks.

    >>> workspace_name("breast-prognosis"), workspace_name("Lung_2")
    ('breast-prognosis', 'lung-2-8f76d1dc')
    """
    return _plain(checked_word("protocol", protocol))


def account_name(protocol: str, site: str) -> str:
    """Name a site's account for a protocol; another study's password never opens this one.

    >>> account_name("breast-prognosis", "gbsg")
    'gbsg@breast-prognosis'
    """
    return f"{_plain(checked_word('site', site))}@{workspace_name(protocol)}"


def _plain(word: str) -> str:
    """Return the word if it is plain already, else its plain part and a digest that keeps it apart from others'."""
    plain = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:48].strip("-")
    kept = plain == word and len(word) > 1 and word not in _RESERVED
    return plain if kept else f"{plain}-{sha256_hex(word.encode())[:8]}".strip("-")


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
