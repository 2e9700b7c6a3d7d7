"""The protocol as a reader of a comparison needs it: texts in every language, horizons, rules and digest."""

from collections.abc import Mapping
from dataclasses import dataclass

from biolab.data import Label

from .protocol import Protocol


@dataclass(frozen=True, kw_only=True)
class ProtocolFacts:
    """What was decided beforehand; texts by language."""

    name: str
    version: str
    sha256: str
    title: Mapping[str, str]
    question: Mapping[str, str]
    endpoint: Mapping[str, str]
    time_unit: str
    horizons: tuple[float, ...]
    tau: float
    reference_model: str
    minimum_cell: int
    minimum_events: int
    outcome: str
    claims: str
    subgroup_labels: Mapping[str, Mapping[str, str]]
    panels: tuple[Mapping[str, str], ...]
    settings: Mapping[str, object]


def protocol_facts(protocol: Protocol) -> ProtocolFacts:
    """Return the facts of a protocol."""
    return ProtocolFacts(
        name=protocol.name,
        version=protocol.version,
        sha256=protocol.sha256,
        title=_by_language(protocol.protocol.title),
        question=_by_language(protocol.protocol.question),
        endpoint=_by_language(protocol.endpoint.label),
        time_unit=(protocol.codebook.time.unit or "") if protocol.is_survival else "",
        horizons=protocol.endpoint.horizons,
        tau=protocol.endpoint.tau,
        reference_model=protocol.evaluation.reference,
        minimum_cell=protocol.release.minimum_cell,
        minimum_events=protocol.release.minimum_events,
        outcome=protocol.endpoint.kind,
        claims=protocol.evaluation.claims,
        subgroup_labels=_subgroup_labels(protocol),
        panels=tuple(
            _by_language(panel.label)
            | {"count": f"{len(panel.features):,}", "digest": panel.sha256[:12], "scale": panel.scale}
            for panel in protocol.panels.values()
        ),
        settings=protocol.parameters,
    )


def _by_language(label: Label) -> dict[str, str]:
    return {"en": label.en, "ko": label.ko}


def _subgroup_labels(protocol: Protocol) -> dict[str, dict[str, str]]:
    """Name each subgroup variable, and under ``variable=code`` each of its codes."""
    labels: dict[str, dict[str, str]] = {}
    for group in protocol.subgroups:
        variable = protocol.codebook[group.variable]
        labels[group.variable] = _by_language(group.label or variable.label)
        labels |= {f"{group.variable}={code}": _by_language(variable.code_label(code)) for code in variable.codes}
    return labels
