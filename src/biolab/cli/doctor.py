"""``biolab doctor``: what is installed, what will be used, what is missing and how to mend it."""

from .options import AsJson, print_json


def doctor(*, as_json: AsJson = False) -> None:
    """Say what is installed, which device will be used, what is missing and how to mend it."""
    from biolab.core.doctor import examine

    findings = examine()
    if as_json:
        print_json({"findings": [finding.as_dict() for finding in findings]})
        return
    from rich.console import Console
    from rich.table import Table

    marks = {"ok": "[green]ok[/]", "missing": "[yellow]missing[/]", "broken": "[red]broken[/]"}
    table = Table("", "what", "found", "how to mend", box=None)
    for finding in findings:
        table.add_row(marks[finding.state], finding.name, finding.found, finding.remedy)
    Console().print(table)
