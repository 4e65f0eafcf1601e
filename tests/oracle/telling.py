"""Logs told by hand: events and pulses in Japanese time, and transitions shown as lines."""

import hashlib
from datetime import timedelta, timezone
from pathlib import Path

from schemas.events import PREFIX, Data, Event
from schemas.instants import from_text, from_us, to_text
from schemas.records import Input, Pulse
from tests.oracle.judge import Oracle
from tests.oracle.policy import Version, read_policy
from tests.oracle.sayings import Saying

JST = timezone(timedelta(hours=9))
POLICY_FILE = Path(__file__).parents[2] / "streams" / "policies" / "my-number-card.yaml"
POLICY = read_policy(POLICY_FILE)
ROLES = {"plaza": "vendor", "tokiwa": "vendor", "minato": "vendor", "j-lis": "j-lis"}
FEEDS: dict[str, str | None] = {
    "kiosk-events.plaza": "plaza",
    "kiosk-events.tokiwa": "tokiwa",
    "jlis-events": None,
    "municipal-events": None,
}


def jst(text: str) -> str:
    """``2026-04-01 10:00`` in Japan, as the log writes an instant."""
    return to_text(from_text(text.replace(" ", "T") + "+09:00"))


def in_japan(instant: int) -> str:
    """The other way round: ``2026-04-01 10:00`` (seconds where there are any)."""
    return from_us(instant).astimezone(JST).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")


def token(number: int) -> str:
    return hashlib.sha256(f"oracle {number}".encode()).hexdigest()


def tell(
    speaker: str,
    what: str,
    time: str,
    *,
    arrived: str | None = None,
    name: str | None = None,
    voids: str | None = None,
    whose: int = 1,
    **data: str,
) -> Event:
    """One event; it arrives when it happens unless told otherwise. ``voids`` names another event of the speaker."""
    if voids is not None:
        data |= {"source": f"/{speaker}/", "id": voids}
    return Event(
        specversion="1.0",
        id=name or f"{what} {time}",
        source=f"/{speaker}/",
        type=PREFIX + what,
        time=time.replace(" ", "T") + "+09:00" if " " in time else time,
        speaker=speaker,
        role=ROLES.get(speaker, "municipality"),
        own_feed=ROLES.get(speaker) == "vendor",
        received=jst(arrived or time),
        origin="told:0:0",
        subject=token(whose),
        last4="0001",
        data=Data(**data),  # type: ignore[arg-type]
    )


def pulse(at: str, *, slow: dict[str, str | None] | None = None, input_set: int = 1, feeds: dict[str, str | None] | None = None) -> Pulse:
    """All feeds are read through ``at``, but for the slow ones (topic -> through when; None: nothing is known of it)."""
    through = dict.fromkeys(feeds or FEEDS, at) | (slow or {})
    return Pulse(
        at=jst(at),
        bucket_s=5,
        policy="2026-1",
        input_set=input_set,
        inputs={
            topic: Input(vendor=vendor, partitions=1, through=told(through[topic]), heard=told(through[topic]))
            for topic, vendor in (feeds or FEEDS).items()
        },
    )


def told(at: str | None) -> dict[int, str]:
    return {} if at is None else {0: jst(at)}


def judged(*log: Event | Pulse, policies: list[Version] | None = None) -> Oracle:
    return Oracle(policies or POLICY).feed(list(log))


def lines(oracle: Oracle) -> list[str]:
    return [line(said) for said in oracle.transitions()]


def line(said: Saying) -> str:
    """``forward 1 raised notice 2026-04-01 15:14``: with its reason, if it has one, and its ``time``."""
    reason = [said.reason] if said.reason else []
    return " ".join([said.hop, str(said.attempt), said.kind, *reason, said.level, in_japan(said.time)])


def stands(oracle: Oracle, whose: int = 1) -> dict[str, str]:
    """``hop attempt`` -> the final verdict, with its level."""
    found = {}
    for (owner, hop, attempt), verdict in oracle.verdicts().items():
        if owner == token(whose):
            found[f"{hop} {attempt}"] = verdict.name + (f" {verdict.level}" if verdict.level else "")
    return found
