"""``biolab compare``: the comparison again, from what MLflow holds."""

from pathlib import Path

from .options import AsJson, Language, StoreOptions, print_json
from .outcome import outcome, print_outcome


def compare(
    name: str, *, store: StoreOptions | None = None, language: Language = "en", as_json: AsJson = False
) -> None:
    """Compare the latest complete runs of a protocol's sites and write the report again.

    Parameters
    ----------
    name
        Name of the protocol as in MLflow (biolab/NAME), or the folder of its experiment.
    language
        Language of the report.
    """
    from biolab.joint import Protocol, recorded_protocol
    from biolab.joint import compare as compare_sites
    from biolab.reports import publish

    options = store or StoreOptions()
    opened = options.open()
    given = Path(name)
    protocol = Protocol.load(given) if (given / "protocol.toml").is_file() else recorded_protocol(name, opened)
    comparison = compare_sites(protocol, opened)
    published = publish(comparison, opened, folder=options.output, language=language)
    if as_json:
        print_json(outcome(comparison, published, opened))
    else:
        print_outcome(comparison, published, options, language=language)
