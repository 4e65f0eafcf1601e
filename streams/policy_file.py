"""Loads a procedure from its policy file: YAML documents, one per version, ``effective`` ascending.

Every mistake is named with file, line and key, all mistakes of a file at once; how a hop is read stands in ``policy_hops``.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from schemas.events import COMMON_TYPES
from streams.calendars import read_calendar
from streams.deadlines import day_of
from streams.marked_yaml import Fault, PolicyError, Spot, raise_faults, read_documents
from streams.policy import BusinessCalendar, Holder, Milestone, Policies, Policy, Speaker
from streams.policy_hops import Names, read_hops, read_overrides

__all__ = ["PolicyError", "load_policies"]

WORDS = ("procedure", "label", "version", "effective", "epoch", "timezone", "subject")
SPANS = ("pulse_interval", "settle", "grace", "forget_after")
SECTIONS = ("speakers", "holders", "milestones", "terminals", "attribution", "hops")
OPTIONAL = ("attempts", "calendars", "overrides")
"""Without ``attempts`` the procedure has one; without ``calendars`` no hop runs on business days."""
DUTY_BASES = ("statute", "contract", "none")
NOBODY = "none"
FROM_EPOCH = "epoch"


def load_policies(path: Path) -> Policies:
    """All versions of the file's procedure; PolicyError names every mistake of the file, and of the calendars that it names."""
    faults: list[Fault] = []
    documents = [document.keys((*WORDS, *SPANS, *SECTIONS), OPTIONAL) for document in read_documents(path, faults)]
    policies = [_policy(file, path.parent) for file in documents]
    raise_faults(faults)
    for place, (file, policy) in enumerate(zip(documents, policies, strict=True)):
        _check_version(file, policy, policies[place - 1] if place else None)
        if policy.version in [earlier.version for earlier in policies[:place]]:
            file["version"].expected("a version that no document before it has")
    raise_faults(faults)
    return Policies(tuple(policies))


def _policy(file: dict[str, Spot], folder: Path) -> Policy:
    speakers = {name: _speaker(name, spot) for name, spot in file["speakers"].named("speakers").items()}
    holders = {name: _holder(name, spot) for name, spot in file["holders"].named("holders").items()}
    zone = _zone(file["timezone"])
    calendars = _calendars(file["calendars"], folder)
    spots = file["milestones"].named("milestones")
    milestones = {name: _milestone(name, spot, list(speakers), list(holders)) for name, spot in spots.items()}
    terminals = file["terminals"].list_of(milestones, "milestones")
    begins, stands_for = _attempts(file["attempts"], milestones)
    names = Names(milestones, list(holders), list(calendars), terminals, begins)
    hops = read_hops(file["hops"], names)
    attribution = file["attribution"].keys(("milestone", "speaker"))
    milestone = attribution["milestone"].one_of(milestones, "a milestone")
    role = attribution["speaker"].one_of(speakers, "a speaker")
    if milestone in milestones and role in speakers and role not in milestones[milestone].speakers:
        attribution["speaker"].expected(f"a speaker of {milestone}")
    _check_terminals(file["terminals"], terminals, milestones, role)
    epoch_us = file["epoch"].instant_us()
    from_epoch = file["effective"].text() == FROM_EPOCH
    return Policy(
        procedure=_name(file["procedure"]),
        label=file["label"].text(),
        version=file["version"].text(),
        effective_us=epoch_us if from_epoch else file["effective"].instant_us(),
        subject=_pattern(file["subject"]),
        epoch_us=epoch_us,
        timezone=zone,
        pulse_interval_us=file["pulse_interval"].span_us(),
        settle_us=file["settle"].span_us(at_least=0),
        grace_us=file["grace"].span_us(at_least=0),
        forget_after_us=file["forget_after"].span_us(at_least=0),
        speakers=speakers,
        milestones=milestones,
        hops=hops,
        holders=holders,
        attempt_begins=begins,
        attempt_stands_for=stands_for,
        attribution_milestone=milestone,
        attribution_role=role,
        terminals=terminals,
        calendars=calendars,
        overrides=read_overrides(file["overrides"], hops, names),
    )


def _speaker(name: str, spot: Spot) -> Speaker:
    keys = spot.keys(("label", "own_feed"))
    return Speaker(name, keys["label"].text(), keys["own_feed"].flag())


def _holder(name: str, spot: Spot) -> Holder:
    if name == NOBODY:
        spot.fault(f"{NOBODY!r} is the word for nobody, and can be no holder's name")
    keys = spot.keys(("label", "duty_basis", "supervisor", "contact"))
    duty_basis = keys["duty_basis"].one_of(DUTY_BASES, "one of")
    return Holder(name, keys["label"].text(), duty_basis, keys["supervisor"].text(), keys["contact"].text())


def _milestone(name: str, spot: Spot, speakers: list[str], holders: list[str]) -> Milestone:
    if name in COMMON_TYPES:
        spot.fault(f"{name} is an event of its own, and can be no milestone")
    keys = spot.keys(("label", "speakers", "passes_to"), ("claim",))
    passes_to = keys["passes_to"].one_of([*holders, NOBODY] if holders else [], "one of")
    claim = keys["claim"].flag()
    if claim and passes_to != NOBODY:
        keys["passes_to"].expected(f"{NOBODY} (a claim moves nothing)")
    said_by = frozenset(keys["speakers"].list_of(speakers, "speakers"))
    return Milestone(name, keys["label"].text(), said_by, None if passes_to == NOBODY else passes_to, claim)


def _check_terminals(spot: Spot, terminals: Sequence[str], milestones: dict[str, Milestone], role: str) -> None:
    """What a party of the attributed role says is not counted if another one's application it turns out to be: as a terminal it would
    shrink the record all the same, and leave its hops open for ever."""
    for name in terminals:
        if name in milestones and role in milestones[name].speakers:
            spot.fault(f"expected milestones that {role} may not say (attribution.speaker), got {name!r}")


def _attempts(spot: Spot, milestones: dict[str, Milestone]) -> tuple[str | None, str | None]:
    if spot.missing:
        return None, None
    keys = spot.keys(("begins", "stands_for"))
    begins, stands_for = keys["begins"].one_of(milestones, "a milestone"), keys["stands_for"].one_of(milestones, "a milestone")
    if begins and begins == stands_for:
        keys["stands_for"].expected(f"another milestone than {begins}")
    return begins, stands_for


def _calendars(spot: Spot, folder: Path) -> dict[str, BusinessCalendar]:
    found = {} if spot.missing else spot.named("calendars")
    return {name: read_calendar(name, file, folder) for name, file in found.items()}


def _zone(spot: Spot) -> ZoneInfo:
    name = spot.one_of(available_timezones(), "a time zone like Asia/Tokyo")
    return ZoneInfo(name if name in available_timezones() else "UTC")


def _pattern(spot: Spot) -> re.Pattern[str]:
    try:
        return re.compile(spot.text("a pattern like [0-9]{23}"))
    except re.error as error:
        spot.expected(f"a pattern like [0-9]{{23}} ({error})")
        return re.compile("")


def _name(spot: Spot) -> str:
    spot.check_name(text := spot.text())
    return text


def _check_version(file: dict[str, Spot], policy: Policy, earlier: Policy | None) -> None:
    """What a version owes to the one before it, and its calendars to the time in which it is in force."""
    if earlier is None and policy.effective_us != policy.epoch_us:
        file["effective"].expected(f"{FROM_EPOCH} (the first version is in force from the policy's epoch)")
    if earlier is not None:
        if policy.effective_us <= earlier.effective_us:
            file["effective"].expected(f"an instant after that of version {earlier.version}")
        for key, shape, before in zip(SHAPE, _shape(policy), _shape(earlier), strict=True):
            if shape != before:
                file[key].fault(f"expected the same as in version {earlier.version}: another shape is another procedure")
    day = day_of(policy.effective_us, policy.timezone)
    for name, calendar in policy.calendars.items():
        if not calendar.first_day <= day < calendar.last_day:
            file["calendars"].entries()[name].expected("a calendar that begins before this version is in force, and ends after that day")


SHAPE = ("procedure", "epoch", "milestones", "terminals", "attempts", "attribution", "hops")


def _shape(policy: Policy) -> tuple[object, ...]:
    """What all versions have in common, by the keys of SHAPE. An application may begin under one version, and have a hop judged
    by another: so they know the same milestones in the same order, and the same hops by name."""
    attempts = policy.attempt_begins, policy.attempt_stands_for
    attribution = policy.attribution_milestone, policy.attribution_role
    return policy.procedure, policy.epoch_us, [*policy.milestones], policy.terminals, attempts, attribution, [*policy.hops]
