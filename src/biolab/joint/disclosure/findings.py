"""What the gate found: where, under which rule, what is wrong, and how to mend it; never the value itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from biolab.core import DisclosureError

SHOWN = 8


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One reason why something may not leave.

    Parameters
    ----------
    where
        File, column and row, or the name of a parameter, metric or tag.
    rule
        Short name of the rule, such as ``small-cell``.
    what
        What is wrong, without the value.
    remedy
        What to do about it.
    """

    where: str
    rule: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.rule}]. {self.remedy}"


def refusal(findings: Sequence[Finding]) -> DisclosureError:
    """Return the error that tells what was held back and why.

    >>> found = Finding(where="t.csv", rule="small-cell", what="a count is under 10", remedy="Withhold it.")
    >>> print(refusal([found]))
    Nothing has left. 1 finding of the disclosure check:
      t.csv: a count is under 10 [small-cell]. Withhold it.
    """
    noun = "finding" if len(findings) == 1 else "findings"
    lines = [f"Nothing has left. {len(findings)} {noun} of the disclosure check:"]
    lines += [f"  {finding}" for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"  ... and {len(findings) - SHOWN} more.")
    return DisclosureError("\n".join(lines))
