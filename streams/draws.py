"""Random draws of a scenario, by a seeded generator's ``random()`` alone, so that a seed means the same everywhere."""

from math import exp, log
from random import Random
from statistics import NormalDist

from streams.scenario import Takes

NORMAL = NormalDist()
EDGE = 1e-12


def duration(rng: Random, takes: Takes, below: float) -> float:
    """A duration of at most ``below`` (and ``takes.most``): the whole distribution cut off there, not what exceeds it moved to the edge."""
    most = min(below, takes.most if takes.most is not None else below)
    if takes.median is None:
        least = takes.least or 0
        return least + rng.randrange(int(most) - least + 1)
    sigma = _sigma(takes)
    share = NORMAL.cdf(log(most / takes.median) / sigma)
    return takes.median * exp(sigma * NORMAL.inv_cdf(min(max(rng.random() * share, EDGE), 1 - EDGE)))


def _sigma(takes: Takes) -> float:
    """The lognormal's spread, from its median and the one percentile that is given."""
    assert takes.median is not None
    if takes.p95 is not None:
        return log(takes.p95 / takes.median) / NORMAL.inv_cdf(0.95)
    assert takes.p99 is not None
    return log(takes.p99 / takes.median) / NORMAL.inv_cdf(0.99)


def count(rng: Random, mean: float) -> int:
    """A Poisson draw."""
    chance, left, drawn = exp(-mean), rng.random(), 0
    while left > chance and chance > 0:
        left -= chance
        drawn += 1
        chance *= mean / drawn
    return drawn
