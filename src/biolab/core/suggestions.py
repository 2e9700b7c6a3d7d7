"""The nearest known name to a mistyped one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known name is nearest, or list the known ones if none is near.

    >>> did_you_mean("horizon_months", ["horizons_months", "tau_months"])
    "Did you mean 'horizons_months'?"
    >>> did_you_mean("x", ["age", "nodes"])
    'Known names: age, nodes.'
    """
    choices = sorted(known)
    folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(name, choices, n=1) or get_close_matches(name.casefold(), folded, n=1)
    if near:
        return f"Did you mean {folded.get(near[0].casefold(), near[0])!r}?"
    return f"Known names: {', '.join(choices)}."
