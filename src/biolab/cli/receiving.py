"""``biolab joint import --inbox``: what lies in the sites' inboxes, or a bundle that came by mail for the server."""

from pathlib import Path

from .options import print_json


def import_from_inbox(name: str, *, server: Path, coordinator_key: str | None, again: bool, as_json: bool) -> None:
    """Import what lies in the inboxes of a study; say what was refused and why."""
    from biolab.joint import experiment_source, import_inbox, open_study, protocol_in_force

    study = open_study(server, protocol_in_force(name).name)
    report = import_inbox(study, experiment_source(name, coordinator_key=coordinator_key), again=again)
    if as_json:
        print_json(report.facts)
        return
    for each in report.received:
        print(
            f"{each.site}  {each.sha256[:12]}  {each.state}"
            + (f": {each.reason}" if each.reason else f", {each.runs} runs")
        )
    for renamed in report.renamed:
        print(f"An inbox had been renamed to {renamed!r}; it has its name again.")
    print(f"{len(report.received)} judged, {report.unfinished} not completed by their sites. Log: {study.log}")


def import_into_study(name: str, bundle: Path, *, server: Path, coordinator_key: str | None, as_json: bool) -> None:
    """Import a bundle that came by mail into a study on the joint server."""
    from biolab.joint import experiment_source, import_bundle, open_study, protocol_in_force

    study = open_study(server, protocol_in_force(name).name)
    source = experiment_source(name, coordinator_key=coordinator_key)
    report = import_bundle(study.store, bundle, source, log=study.log)
    if as_json:
        print_json(report.facts)
        return
    print(
        f"{report.bundle.site}: {len(report.created)} runs taken in, {len(report.present)} were there. Log: {study.log}"
    )
