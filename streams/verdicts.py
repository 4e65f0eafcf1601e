"""The words for what was judged: a transition's message, and the final verdict of each hop. Pure."""

from collections.abc import Iterator
from functools import lru_cache

import msgspec

from schemas.instants import to_text
from schemas.records import STALL_PREFIX, Application, Said, Transition, Verdict
from streams.custody import Custody, Derived, derive
from streams.policy import Policies
from streams.stalls import OPEN, Change, hop_flags


class HopVerdict(msgspec.Struct, kw_only=True, frozen=True):
    """The final verdict of one application, hop and attempt, as of now: a row of ClickHouse's ``hops``."""

    token: str
    last4: str
    hop: str
    attempt: int
    vendor: str | None
    kiosk: str | None
    kiosk_municipality: str | None
    residence_municipality: str | None
    holder: str
    duty_basis: str
    supervisor: str
    verdict: str
    """``in_time``, ``undetermined``, ``late``, ``open`` or ``void``."""
    level: str | None
    """Late: the highest limit truly passed. Open: the level last said, if any."""
    entered_us: int
    due_us: int | None
    """The first limit; None past the calendar's horizon."""
    closed_us: int | None
    closed_before_us: int | None
    rule: str
    policy_version: str
    calendar_version: str | None = None
    flags: tuple[str, ...]


def stall_id(token: str, hop: str, attempt: int) -> str:
    return f"{token}:{hop}:{attempt}"


def transition(token: str, last4: str, change: Change) -> Transition:
    """The CloudEvent that says a change."""
    said, holder = change.said, change.policy.holders[change.hop.holder]
    stall = stall_id(token, said.hop, said.attempt)
    verdict = Verdict(
        stall_id=stall,
        revision=said.revision,
        kind=change.kind,
        reason=said.reason,
        level=said.level,
        hop=said.hop,
        attempt=said.attempt,
        token=token,
        last4=last4,
        vendor=said.vendor,
        kiosk=said.kiosk,
        kiosk_municipality=said.kiosk_municipality,
        residence_municipality=said.residence_municipality,
        holder=holder.name,
        duty_basis=holder.duty_basis,
        supervisor=holder.supervisor,
        procedure=change.policy.procedure,
        policy_version=said.policy_version,
        calendar_version=change.policy.calendar_version(change.hop),
        limit_rule=said.rule,
        flags=change.flags,
        entered_at=_text(said.entered_us),
        due_at=_text(said.due_us),
        closed_at=None if said.closed_us is None else _text(said.closed_us),
        closed_before=None if change.closed_before_us is None else _text(change.closed_before_us),
        at=_text(change.at_us),
    )
    return Transition(
        id=f"{stall}:{said.revision}", type=STALL_PREFIX + change.kind, subject=token, time=_text(change.time_us), data=verdict
    )


def hop_verdicts(token: str, record: Application, policies: Policies) -> Iterator[HopVerdict]:
    """The final verdict of every hop that opened, in the policy's order; nothing of a record that has shrunk.

    A hop that would have opened had nothing been voided is ``void``.
    """
    derived = derive(record, policies)
    said = {(s.hop, s.attempt): s for s in record.said}
    for custody in derived.hops:
        last = said.get((custody.hop.name, custody.attempt))
        yield _row(token, record, derived, custody, custody.verdict, _level(custody, last))
    if record.corrections:
        opened = {(custody.hop.name, custody.attempt) for custody in derived.hops}
        for custody in derive(record, policies, void=False).hops:
            if (custody.hop.name, custody.attempt) not in opened:
                yield _row(token, record, derived, custody, "void", None)


def _level(custody: Custody, last: Said | None) -> str | None:
    if custody.verdict == "late" and custody.closed_us is not None:
        return custody.hop.levels[custody.passed_by(custody.closed_us) - 1]
    return last.level if custody.verdict == "open" and last is not None and last.kind in OPEN else None


def _row(token: str, record: Application, derived: Derived, custody: Custody, verdict: str, level: str | None) -> HopVerdict:
    holder, named = custody.policy.holders[custody.hop.holder], derived.attribution
    return HopVerdict(
        token=token,
        last4=record.last4,
        hop=custody.hop.name,
        attempt=custody.attempt,
        vendor=named.vendor,
        kiosk=named.kiosk,
        kiosk_municipality=named.kiosk_municipality,
        residence_municipality=named.residence_municipality,
        holder=holder.name,
        duty_basis=holder.duty_basis,
        supervisor=holder.supervisor,
        verdict=verdict,
        level=level,
        entered_us=custody.entered_us,
        due_us=custody.due_us[0],
        closed_us=custody.closed_us if verdict != "void" else None,
        closed_before_us=custody.later_us if verdict != "void" else None,
        rule=custody.rule,
        policy_version=custody.policy.version,
        calendar_version=custody.policy.calendar_version(custody.hop),
        flags=hop_flags(derived.flags, undated=custody.undated, backwards=custody.reversed),
    )


@lru_cache(1 << 12)
def _text(instant_us: int) -> str:
    """Of what is said at one pulse, many have a limit in common, and all have the clock."""
    return to_text(instant_us)
