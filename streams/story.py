"""A scenario told from a seed: the events that were sent, and what is true of them. The same seed gives the same bytes.

All of it in memory: for a scenario of some thousand applications. A larger one is ``traffic``, which gives the very same lines.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from schemas.codec import encode
from streams.hearing import Told
from streams.policy import Policies
from streams.scenario import Scenario, ScenarioError
from streams.submissions import submissions
from streams.tidings import ARRIVAL, Lines, Tiding, tiding
from streams.truth import TruthRow, figures, truth
from streams.world import World


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
        return World(self.scenario, self.policies, self.seed)

    @property
    def key(self) -> bytes:
        return key_of(self.seed)

    @cached_property
    def _kiosks(self) -> list[list[Told]]:
        return [[*submissions(self.world, kiosk, number)] for kiosk, number in zip(self.world.kiosks, self.world.submitted, strict=True)]

    @cached_property
    def told(self) -> list[Told]:
        """By their first step."""
        return sorted((told for each in self._kiosks for told in each), key=lambda told: (told.life.steps[0].at_us, told.life.subject))

    @cached_property
    def _lines(self) -> list[bytes]:
        lines, spoken = Lines(self.world), set[tuple[str, str]]()
        said = [line for each in self._kiosks for number, told in enumerate(each, 1) for line in lines.of_life(told, number)]
        said += [line for kiosk in self.world.kiosks for line in lines.of_kiosk(kiosk, spoken)]
        return sorted(line.encode() for line in said)

    @property
    def tidings(self) -> Iterator[Tiding]:
        """By arrival."""
        return map(tiding, self.event_lines())

    @cached_property
    def truth(self) -> list[TruthRow]:
        return truth(self.world, self.told, self.key)

    @property
    def held_hop(self) -> str:
        """In which applications are held. ScenarioError if no queue stops."""
        if self.scenario.held is None:
            raise ScenarioError(f"{self.scenario.scenario}: no queue stops in this scenario: there is nothing to show")
        return self.scenario.held.hop

    @property
    def figures(self) -> dict[str, int | None]:
        """What there is to find in that hop."""
        return figures(self.truth, self.policies, self.held_hop)

    def event_lines(self) -> Iterator[bytes]:
        """``events.ndjson``."""
        return (line[ARRIVAL:] for line in self._lines)

    def truth_lines(self) -> Iterator[bytes]:
        """``truth.ndjson``."""
        return (encode(row) + b"\n" for row in self.truth)
