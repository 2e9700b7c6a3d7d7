"""The exact distribution in whole numbers: no rounding but the last division."""

from fractions import Fraction
from math import factorial


def p_value(first: int, het: int, second: int, *, mid_p: bool) -> float:
    """Add up the probabilities of all numbers of heterozygotes no more probable than the one seen."""
    n, rare = first + het + second, 2 * min(first, second) + het
    chance = {}
    for h in range(rare % 2, rare + 1, 2):
        a = (rare - h) // 2
        chance[h] = Fraction(2**h, factorial(a) * factorial(h) * factorial(n - h - a))
    seen = chance[het]
    extreme = sum((p for p in chance.values() if p < seen), Fraction(0))
    equal = sum((p for p in chance.values() if p == seen), Fraction(0))
    return float((extreme + (equal / 2 if mid_p else equal)) / sum(chance.values()))
