"""The pulse clock: which silence is a fact. Pure; fed by pulses, kept in the ledger's applied record.

An application's clock is the slowest of the shared feeds and of every vendor that has spoken about it; of all vendors
while none has (architecture, rule 2). A clock stands until each of its own inputs is known, and never goes back.
"""

from collections.abc import Iterable

from schemas.instants import from_text
from schemas.records import Applied, AppliedInput, Input, Pulse

UNKNOWN = -1
"""The clock while an input is unknown: before every limit, so that nothing is due by it."""

ALL = ""
SHARED = "*"


class Clocks:
    """The clocks of one partition of ``custody-log``, as its pulses tell them."""

    def __init__(self, applied: Applied | None = None) -> None:
        applied = applied or Applied()
        self.input_set = applied.input_set
        self._vendors: dict[str, str | None] = {topic: held.vendor for topic, held in applied.inputs.items()}
        self._through: dict[str, list[int | None]] = {topic: list(held.through_us) for topic, held in applied.inputs.items()}
        self._floor: dict[str, int] = dict(applied.floor_us)

    def of(self, vendors: Iterable[str]) -> int:
        """The clock (microseconds) of an application about which these vendors have spoken; UNKNOWN while it stands.

        A vendor that is no longer in the input set holds up nobody: its applications wait for the shared feeds. One that no pulse
        has named yet is new, and stands: its backlog is still to be read.
        """
        clocks = [self._floor.get(name, UNKNOWN) for name in vendors]
        return min(clocks) if clocks else self._floor.get(ALL, UNKNOWN)

    def hear(self, pulse: Pulse) -> None:
        """Take over what a pulse vouches for. A higher set replaces the inputs; what both sets have stays known."""
        if pulse.input_set > self.input_set:
            self._adopt(pulse)
        for topic, told in pulse.inputs.items():
            if told.vendor is not None:
                self._floor.setdefault(told.vendor, UNKNOWN)
            if topic in self._through:
                self._merge(self._through[topic], told)
        self._raise_floors()

    def vendors(self) -> dict[str, int]:
        """Vendor -> its clock, for the vendors of the set whose inputs are known."""
        names = sorted({name for name in self._vendors.values() if name is not None})
        return {name: self._floor[name] for name in names if self._floor[name] != UNKNOWN}

    def inputs(self) -> dict[str, AppliedInput]:
        return {topic: AppliedInput(self._vendors[topic], tuple(through)) for topic, through in self._through.items()}

    def floors(self) -> dict[str, int]:
        return dict(self._floor)

    def _adopt(self, pulse: Pulse) -> None:
        known = self._through
        self.input_set = pulse.input_set
        self._vendors = {topic: told.vendor for topic, told in pulse.inputs.items()}
        self._through = {
            topic: [*known.get(topic, [])[: told.partitions], *[None] * (told.partitions - len(known.get(topic, [])))]
            for topic, told in pulse.inputs.items()
        }

    @staticmethod
    def _merge(through: list[int | None], told: Input) -> None:
        for partition, text in told.through.items():
            if partition < len(through):
                through[partition] = max(from_text(text), through[partition] or UNKNOWN)

    def _raise_floors(self) -> None:
        shared = self._slowest(topic for topic, name in self._vendors.items() if name is None)
        self._raise(SHARED, shared)
        every = [shared]
        present = {name for name in self._vendors.values() if name is not None}
        for retired in self._floor.keys() - present - {ALL, SHARED}:
            self._raise(retired, shared)  # so that its clock does not go back, should it return
        for vendor in present:
            own = self._slowest(topic for topic, name in self._vendors.items() if name == vendor)
            every.append(own)
            self._raise(vendor, min(own, shared))
        self._raise(ALL, min(every))

    def _slowest(self, topics: Iterable[str]) -> int:
        """The least T of these topics' partitions; without a topic there is nobody to wait for."""
        told = [through for topic in topics for through in self._through[topic]]
        return min((UNKNOWN if through is None else through for through in told), default=1 << 62)

    def _raise(self, name: str, clock_us: int) -> None:
        if clock_us != UNKNOWN and clock_us != 1 << 62:
            self._floor[name] = max(clock_us, self._floor.get(name, UNKNOWN))
