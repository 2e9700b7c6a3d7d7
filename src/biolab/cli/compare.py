"""``biolab compare``: the comparison again, from what MLflow holds."""

from pathlib import Path

from .options import AsJson, Language, StoreOptions, print_json
from .outcome import outcome, print_outcome, ui_command


def compare(
    name: str,
    *,
    store: StoreOptions | None = None,
    server: Path | None = None,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """Verify the runs of a protocol's sites, compare the latest that hold, and write the report again.

    Parameters
    ----------
    name
        Name of the protocol as in MLflow (biolab/NAME), or the folder of its experiment. The sites' keys are those of
        experiments/NAME/protocol.lock.json if it is there.
    server
        The joint server's folder: compare its study, and write the comparison there for every site to read.
    language
        Language of the report.
    """
    from biolab.joint import compare as compare_sites
    from biolab.joint import known_protocol, open_study, protocol_in_force
    from biolab.reports import publish

    options = store or StoreOptions()
    opened = options.open() if server is None else open_study(server, protocol_in_force(name).name).store
    known = known_protocol(name, opened)
    comparison = compare_sites(known.protocol, opened)
    published = publish(comparison, opened, folder=options.output, language=language)
    if as_json:
        print_json({**outcome(comparison, published, opened), "keys_from": known.source})
        return
    where = ui_command(options) if server is None else opened.tracking_uri
    print_outcome(comparison, published, mlflow=where, language=language)
    if comparison.signed and known.source == "runs":
        print(
            "The keys were read from the runs themselves. Name the experiment's folder to use the coordinator's lock."
        )
