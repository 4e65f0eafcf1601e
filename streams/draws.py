"""Random draws of a scenario, by a seeded generator's ``random()`` alone, so that a seed means the same everywhere."""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import exp, log
from random import Random
from statistics import NormalDist
from typing import TypeVar

from streams.scenario_parts import Takes

NORMAL = NormalDist()
EDGE = 1e-12

T = TypeVar("T")
Draw = Callable[[Random], float]


def duration(takes: Takes, below: float | None = None) -> Draw:
    """Draws durations of at most ``below`` (and ``takes.most``): the whole distribution cut off there, not what exceeds it moved to
    the edge. None: not cut off."""
    limits = [each for each in (below, takes.most) if each is not None]
    most = min(limits) if limits else None
    return _lognormal(takes, most) if takes.median is not None else _even(takes.least or 0, int(most or 0))


def _even(least: int, most: int) -> Draw:
    span = most - least + 1
    return lambda rng: least + int(rng.random() * span)


def _lognormal(takes: Takes, most: float | None) -> Draw:
    median = takes.median
    assert median is not None
    sigma = _sigma(takes, median)
    share = 1.0 if most is None else NORMAL.cdf(log(most / median) / sigma)
    quantile = NORMAL.inv_cdf

    def draw(rng: Random) -> float:
        return median * exp(sigma * quantile(rng.random() * share or EDGE))

    return draw


def _sigma(takes: Takes, median: float) -> float:
    """The lognormal's spread, from its median and the one percentile that is given."""
    if takes.p95 is not None:
        return log(takes.p95 / median) / NORMAL.inv_cdf(0.95)
    assert takes.p99 is not None
    return log(takes.p99 / median) / NORMAL.inv_cdf(0.99)


def count(rng: Random, mean: float) -> int:
    """A Poisson draw."""
    chance, left, drawn = exp(-mean), rng.random(), 0
    while left > chance and chance > 0:
        left -= chance
        drawn += 1
        chance *= mean / drawn
    return drawn


def one_of(rng: Random, those: Sequence[T]) -> T:
    return those[int(rng.random() * len(those))]


def between(rng: Random, least: int, most: int) -> int:
    """A whole number from ``least`` up to, but not, ``most``."""
    return least + int(rng.random() * (most - least))


def shares(total: int, weights: Sequence[float]) -> list[int]:
    """``total`` in whole numbers, as the weights say; they add up to it."""
    ends = [0, *(round(total * part / sum(weights)) for part in accumulate(weights))] if any(weights) else [0] * (len(weights) + 1)
    return [after - before for before, after in pairwise(ends)]
