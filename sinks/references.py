"""Parties, policies and calendars as rows: what the files said with which a deployment worked. Pure.

A version is known by the digest of its rows, whatever the file calls it: the same content is the same version. Contacts are left out:
they may be people.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from schemas.codec import encode
from schemas.identity import municipality_ok
from schemas.instants import SECOND_US, to_text
from streams.deadlines import DEFAULT
from streams.parties import Family, Parties, Party
from streams.policy import BusinessCalendar, Hop, Policies, Policy

TABLES = ("parties", "policies", "calendars")
UNIX_DAY = date(1970, 1, 1)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Version:
    """``rows``: by column, without ``digest`` and ``first_used_at``."""

    table: str
    rows: Sequence[Row]

    @property
    def digest(self) -> str:
        return hashlib.sha256(encode(self.rows)).hexdigest()


def versions(parties: Parties, policies: Policies) -> Iterator[Version]:
    """What the files say, each content once."""
    yield Version("parties", [*_parties(parties, policies.newest)])
    for policy in policies.versions:
        yield Version("policies", [*_policy(policy)])
    calendars = {calendar: None for policy in policies.versions for calendar in policy.calendars.values()}
    for calendar in calendars:
        yield Version("calendars", [*_calendar(calendar)])


def _parties(parties: Parties, policy: Policy) -> Iterator[Row]:
    every: list[Party | Family] = [*parties.parties.values(), *parties.families]
    for party in every:
        holder, family = policy.holders.get(party.role), isinstance(party, Family)
        yield {
            "input_set": parties.input_set,
            "name": party.rule if isinstance(party, Family) else party.name,
            "kind": "family" if family else "party",
            "role": party.role,
            "label": party.label,
            "municipality": party.name if isinstance(party, Party) and municipality_ok(party.name) else None,
            "duty_basis": None if holder is None else holder.duty_basis,
            "supervisor": None if holder is None else holder.supervisor,
            "own_feed": int(policy.speakers[party.role].own_feed),
            "sources": party.sources,
            "retired": int(isinstance(party, Party) and party.retired),
            "partitions": party.partitions if isinstance(party, Party) else None,
        }


def _policy(policy: Policy) -> Iterator[Row]:
    for place, hop in enumerate(policy.hops.values(), 1):
        yield _hop(policy, place, hop, DEFAULT, ())
        for override in policy.overrides:
            if override.hop == hop.name:
                yield _hop(policy, place, override.changed, override.name, override.match)


def _hop(policy: Policy, place: int, hop: Hop, rule: str, match: Sequence[tuple[str, str]]) -> Row:
    holder = policy.holders[hop.holder]
    return {
        "procedure": policy.procedure,
        "version": policy.version,
        "effective_at": to_text(policy.effective_us),
        "timezone": policy.timezone.key,
        "hop": hop.name,
        "place": place,
        "label": hop.label,
        "rule": rule,
        "matches": [f"{key}={value}" for key, value in match],
        "watched": int(hop.watched),
        "begins": hop.begins,
        "ends": hop.ends,
        "holder": hop.holder,
        "duty_basis": holder.duty_basis,
        "supervisor": holder.supervisor,
        "clock": hop.clock,
        "calendar": hop.calendar if hop.clock == "business_days" else None,
        "calendar_version": policy.calendar_version(hop),
        "levels": hop.levels,
        "limits": [limit / SECOND_US if hop.clock == "wall" else limit for _, limit in hop.limits],
    }


def _calendar(calendar: BusinessCalendar) -> Iterator[Row]:
    opened = frozenset(calendar.open_days)
    for number in range(calendar.first_day, calendar.last_day + 1):
        day = (UNIX_DAY + timedelta(number)).isoformat()
        yield {"calendar": calendar.name, "version": calendar.version, "day": day, "open": int(number in opened)}
