"""A small builder, so that tests of the rules read as sentences. Dates are Japanese time: ``"2026-04-01 10:00"``.

A ``Log`` is one partition of ``custody-log`` and all that the watch says of it; a ``Story`` tells one application's events into
one. What is said comes back in words: ``raised forward notice``, ``retracted forward#2 warn in_time`` (#2: the second attempt).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from schemas.codec import decode_clock_mark, decode_event, decode_pulse, decode_transition, encode
from schemas.events import PREFIX, Data, Event
from schemas.instants import SECOND_US, from_text, from_us, to_text, to_us
from schemas.records import PULSE_KEY, Application, ClockMark, Input, Transition
from schemas.situations import situation
from schemas.stored import unpack
from streams.judge import final_verdicts
from streams.partition import Batch, Partition, Record
from streams.policy import Hop, Override, Policies
from streams.policy_file import load_policies
from streams.verdicts import HopVerdict

MY_NUMBER = load_policies(Path(__file__).parents[2] / "streams" / "policies" / "my-number-card.yaml")
JAPAN = ZoneInfo("Asia/Tokyo")
HOUR = 3600 * SECOND_US
SOKA, KAWAGUCHI = "112216", "112038"
EVENT = decode_event(situation("records/custody-log", "submitted-at-a-city-hall-booth").values()[0])
PULSE = decode_pulse(situation("records/custody-log", "every-feed-read-to-its-end").values()[0])
FEEDS: Mapping[str, str | None] = {
    "kiosk-events.plaza": "plaza",
    "kiosk-events.tokiwa": "tokiwa",
    "jlis-events": None,
    "municipal-events": None,
}


def jst(text: str) -> int:
    """Microseconds of an instant given in Japanese time."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=JAPAN))


def rfc(text: str) -> str:
    """A Japanese time as messages have it."""
    return to_text(jst(text))


def shown(instant: str | int | None) -> str | None:
    """A message's instant (or microseconds) as Japanese time; seconds only where there are any."""
    if instant is None:
        return None
    local = from_us(instant if isinstance(instant, int) else from_text(instant)).astimezone(JAPAN).replace(tzinfo=None)
    return local.isoformat(" ").removesuffix(":00") if local.second == 0 and local.microsecond == 0 else local.isoformat(" ")


def words(said: Transition) -> str:
    data = said.data
    attempt = "" if data.attempt == 1 else f"#{data.attempt}"
    return f"{data.kind} {data.hop}{attempt} {data.level}" + (f" {data.reason}" if data.reason else "")


def token_of(seed: int) -> str:
    return Random(seed).randbytes(32).hex()


def policy_with(**changes: object) -> Policies:
    """The procedure, as one version with some of its fields changed."""
    return Policies((replace(MY_NUMBER.newest, **changes),))  # type: ignore[arg-type]


def override(name: str, hop: str, match: Mapping[str, str], **changes: object) -> Override:
    changed: Hop = replace(MY_NUMBER.newest.hops[hop], **changes)  # type: ignore[arg-type]
    return Override(name, tuple(match.items()), hop, changed)


class Log:
    """One partition of ``custody-log``, judged as it is written."""

    def __init__(self, policies: Policies = MY_NUMBER, feeds: Mapping[str, str | None] = FEEDS) -> None:
        self.policies, self.feeds = policies, feeds
        self.partition = Partition(policies, 0)
        self.batch = Batch(self.partition)
        self.records: list[Record] = []
        self.transitions: list[Transition] = []
        self.marks: list[ClockMark] = []

    def put(self, key: bytes | None, value: bytes | None) -> list[str]:
        """Append a record; gives what it makes the watch say."""
        self.records.append((len(self.records), key, value))
        before = len(self.transitions)
        done = len(self.batch.said)
        self.batch.handle(*self.records[-1])
        for owner, said in self.batch.said[done:]:
            if owner is None:
                self.marks.append(decode_clock_mark(said))
            else:
                self.transitions.append(decode_transition(said))
        return [words(said) for said in self.transitions[before:]]

    def clock(self, at: str, *, input_set: int = 1, partitions: int = 1, bucket_s: int = 5, **behind: str | None) -> list[str]:
        """A pulse: every feed is read through ``at``, but for those named (``plaza``, ``jlis``): through then; None: not known."""
        inputs = {}
        for topic, vendor in self.feeds.items():
            through = behind.get(vendor or topic.split("-")[0], at)
            told = {} if through is None else {number: rfc(through) for number in range(partitions)}
            inputs[topic] = Input(vendor=vendor, partitions=partitions, through=told, heard={})
        version = self.policies.newest.version
        pulse = msgspec.structs.replace(PULSE, at=rfc(at), bucket_s=bucket_s, policy=version, input_set=input_set, inputs=inputs)
        return self.put(PULSE_KEY, encode(pulse))

    def verdicts(self, token: str) -> list[HopVerdict]:
        return [verdict for verdict in final_verdicts(self.batch, self.policies) if verdict.token == token]


@dataclass(frozen=True)
class Party:
    name: str
    role: str
    source: str
    own_feed: bool = False


PLAZA = Party("plaza", "vendor", "/vendors/plaza/server", own_feed=True)
TOKIWA = Party("tokiwa", "vendor", "/vendors/tokiwa/server", own_feed=True)
JLIS = Party("j-lis", "j-lis", "/j-lis/reception")
CITY = Party(SOKA, "municipality", f"/municipalities/{SOKA}")


class Story:
    """One application's events, as they reach the watch."""

    def __init__(self, policies: Policies = MY_NUMBER, *, log: Log | None = None, seed: int = 1) -> None:
        self.log = log or Log(policies)
        self.token = token_of(seed)

    def plaza(self, milestone: str, at: str, **more: str) -> list[str]:
        return self.says(PLAZA, milestone, at, **more)

    def tokiwa(self, milestone: str, at: str, **more: str) -> list[str]:
        return self.says(TOKIWA, milestone, at, **more)

    def jlis(self, milestone: str, at: str, **more: str) -> list[str]:
        return self.says(JLIS, milestone, at, **more)

    def city(self, milestone: str, at: str, **more: str) -> list[str]:
        return self.says(CITY, milestone, at, **more)

    def says(self, party: Party, milestone: str, at: str, **more: str) -> list[str]:
        return self.put(event(self.token, party, milestone, at, **more))

    def put(self, told: Event) -> list[str]:
        return self.log.put(self.token.encode(), encode(told))

    def clock(self, at: str, **behind: str | None) -> list[str]:
        """A pulse; gives what it makes the watch say of every application in the log."""
        return self.log.clock(at, **behind)  # type: ignore[arg-type]

    @property
    def said(self) -> list[Transition]:
        return [said for said in self.log.transitions if said.subject == self.token]

    @property
    def last(self) -> Transition:
        return self.said[-1]

    @property
    def record(self) -> Application:
        record = self.log.batch.working[self.token.encode()]
        assert record is not None
        return unpack(record)

    @property
    def forgotten(self) -> bool:
        return self.log.batch.working[self.token.encode()] is None

    def hops(self) -> list[HopVerdict]:
        return self.log.verdicts(self.token)

    def hop(self, name: str, attempt: int = 1) -> HopVerdict:
        return next(hop for hop in self.hops() if (hop.hop, hop.attempt) == (name, attempt))

    def verdicts(self) -> dict[str, str]:
        """Hop (``forward#2``) -> its final verdict, with the level if it has one."""
        named = {hop.hop + ("" if hop.attempt == 1 else f"#{hop.attempt}"): hop for hop in self.hops()}
        return {name: hop.verdict + (f" {hop.level}" if hop.level else "") for name, hop in named.items()}

    @property
    def held_now(self) -> dict[str, str]:
        """What ``stalls`` holds: hop and attempt -> level."""
        held = self.log.batch.stalls
        return {stall.partition(":")[2]: decode_transition(value).data.level for stall, value in held.items() if value}


def event(
    token: str,
    party: Party,
    milestone: str,
    at: str,
    *,
    arrived: str | None = None,
    claimed: str | None = None,
    id: str | None = None,
    source: str | None = None,
    corrects: str | None = None,
    kiosk: str | None = None,
    kiosk_municipality: str | None = None,
    residence_municipality: str | None = None,
) -> Event:
    """An event as intake writes it. ``at`` is the claimed time and, unless told otherwise, its arrival; the same words are the
    same event (id), unless told otherwise. ``claimed``: the claim's text as it is. ``corrects``: the id that it voids."""
    said = Data(kiosk=kiosk, kiosk_municipality=kiosk_municipality, residence_municipality=residence_municipality)
    if corrects is not None:
        said = Data(source=source or party.source, id=corrects, reason="named wrongly")
    return msgspec.structs.replace(
        EVENT,
        id=id or f"{milestone} {at}",
        source=party.source if source is None or corrects is not None else source,
        type=PREFIX + milestone,
        time=claimed or f"{datetime.fromisoformat(at).isoformat()}+09:00",
        speaker=party.name,
        role=party.role,
        own_feed=party.own_feed,
        received=rfc(arrived or at),
        origin="file:1",
        subject=token,
        last4=token[-4:],
        data=said,
    )
