"""A scenario told from a seed: the events that were sent, and what is true of them. The same seed gives the same bytes."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from schemas.codec import encode
from streams.lives import World, live
from streams.policy import Policies
from streams.scenario import Scenario
from streams.tidings import Tiding, Told, hear, tidings
from streams.truth import TruthRow, figures, truth


def key_of(seed: int) -> bytes:
    """The key of a scenario's tokens: 64 hex digits, so that a file with a line end around them says the same. Not secret."""
    return hashlib.sha256(f"tairyu scenario key {seed}".encode()).hexdigest().encode()


@dataclass(frozen=True)
class Story:
    scenario: Scenario
    policies: Policies
    seed: int

    @cached_property
    def world(self) -> World:
        return World(self.scenario, self.policies)

    @property
    def key(self) -> bytes:
        return key_of(self.seed)

    @cached_property
    def told(self) -> list[Told]:
        rng = Random(f"{self.scenario.scenario}:{self.seed}:heard")
        return [hear(self.world, life, rng) for life in live(self.scenario, self.policies, self.seed)]

    @cached_property
    def tidings(self) -> list[Tiding]:
        """By arrival."""
        return tidings(self.world, self.told, self.seed)

    @cached_property
    def truth(self) -> list[TruthRow]:
        return truth(self.world, self.told, self.key)

    @property
    def figures(self) -> dict[str, int | None]:
        """What there is to find in the hop in which applications are held."""
        return figures(self.truth, self.policies, self.scenario.held.hop)

    def event_lines(self) -> Iterator[bytes]:
        """``events.ndjson``."""
        return (encode(tiding.event) + b"\n" for tiding in self.tidings)

    def truth_lines(self) -> Iterator[bytes]:
        """``truth.ndjson``."""
        return (encode(row) + b"\n" for row in self.truth)
