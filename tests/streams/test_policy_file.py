"""The policy file: what it says, and one clear line for each mistake in it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.instants import from_text
from streams.deadlines import effective_hop
from streams.policy import Policies
from streams.policy_file import PolicyError, load_policies

SHIPPED = Path(__file__).parents[2] / "streams" / "policies" / "my-number-card.yaml"
CALENDAR = SHIPPED.parent / "calendars" / "japan-municipal.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8").replace("calendars/japan-municipal.yaml", str(CALENDAR))
HOUR_US = 3_600_000_000


def line_of(text: str, part: str) -> int:
    """The line in which this part first stands."""
    return text[: text.index(part)].count("\n") + 1


def edited(*changes: tuple[str, str]) -> str:
    """The shipped policy with some words replaced, each the first of its kind."""
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Policies]:
    def write_and_load(text: str) -> Policies:
        path = tmp_path / "my.yaml"
        path.write_text(text, encoding="utf-8")
        return load_policies(path)

    return write_and_load


@pytest.fixture
def faults(load: Callable[[str], Policies], tmp_path: Path) -> Callable[[str], list[str]]:
    def lines(text: str) -> list[str]:
        with pytest.raises(PolicyError) as caught:
            load(text)
        return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]

    return lines


# What the shipped file says


def test_the_hops_are_those_of_the_design() -> None:
    table = {
        hop.name: (
            hop.begins,
            hop.ends,
            hop.holder,
            hop.clock,
            [limit // HOUR_US if hop.clock == "wall" else limit for _, limit in hop.limits],
        )
        for hop in load_policies(SHIPPED).newest.hops.values()
    }
    assert table == {
        "upload": (("application.submitted",), ("application.uploaded",), "vendor", "wall", [1, 6, 24]),
        "forward": (("application.uploaded",), ("application.received",), "vendor", "wall", [6, 24, 72]),
        "screening": (("application.received",), ("application.accepted", "application.returned"), "j-lis", "business_days", [8, 12, 20]),
        "correction": (("application.returned",), ("application.resubmitted",), "applicant", "calendar_days", [30, 60, 90]),
        "issuance": (("application.accepted",), ("card.dispatched",), "j-lis", "business_days", [18, 22, 30]),
        "delivery": (("card.dispatched",), ("card.arrived",), "post", "calendar_days", [5, 7, 10]),
        "notice": (("card.arrived",), ("notice.sent",), "municipality", "business_days", [10, 15, 20]),
        "pickup": (
            ("notice.sent",),
            ("card.handed_over", "card.discarded", "application.voided"),
            "applicant",
            "calendar_days",
            [90, 180, 365],
        ),
    }


def test_every_hop_gives_notice_then_warns_then_speaks_of_a_breach() -> None:
    assert {hop.levels for hop in load_policies(SHIPPED).newest.hops.values()} == {("notice", "warn", "breach")}


def test_the_milestones_stand_in_the_order_of_the_design() -> None:
    assert list(load_policies(SHIPPED).newest.milestones) == [
        "application.submitted",
        "application.uploaded",
        "application.forwarded",
        "application.received",
        "application.returned",
        "application.resubmitted",
        "application.accepted",
        "card.issued",
        "card.dispatched",
        "card.arrived",
        "notice.sent",
        "card.handed_over",
        "card.discarded",
        "application.voided",
    ]


def test_each_speaks_for_what_it_can_know() -> None:
    policy = load_policies(SHIPPED).newest
    said_by = {name: set(milestone.speakers) for name, milestone in policy.milestones.items()}
    assert {name for name, roles in said_by.items() if roles == {"vendor"}} == {
        "application.submitted",
        "application.uploaded",
        "application.forwarded",
        "application.resubmitted",
    }
    assert {name for name, roles in said_by.items() if roles == {"municipality", "j-lis"}} == set(policy.terminals)
    assert said_by["card.arrived"] == said_by["notice.sent"] == {"municipality"}


def test_only_the_vendors_claim_moves_nothing() -> None:
    policy = load_policies(SHIPPED).newest
    assert [name for name, milestone in policy.milestones.items() if milestone.claim] == ["application.forwarded"]
    assert [name for name, milestone in policy.milestones.items() if milestone.passes_to is None] == [
        "application.forwarded",
        *policy.terminals,
    ]


def test_nobody_supervises_a_vendor_and_the_file_says_so() -> None:
    vendor = load_policies(SHIPPED).newest.holders["vendor"]
    assert (vendor.duty_basis, vendor.supervisor) == ("none", "none")


def test_spans_and_epoch_are_those_of_the_design() -> None:
    policy = load_policies(SHIPPED).newest
    assert (policy.pulse_interval_us, policy.settle_us) == (1_000_000, 60_000_000)
    assert (policy.grace_us, policy.forget_after_us) == (7 * 24 * HOUR_US, 400 * 24 * HOUR_US)
    assert policy.epoch_us == policy.effective_us == from_text("2015-10-05T00:00:00+09:00")
    assert str(policy.timezone) == "Asia/Tokyo"


def test_an_id_has_23_digits() -> None:
    subject = load_policies(SHIPPED).newest.subject
    assert [bool(subject.fullmatch("7" * length)) for length in (22, 23, 24)] == [False, True, False]


# Versions


def second(*changes: tuple[str, str], effective: str = "2026-10-01T00:00:00+09:00") -> str:
    return TEXT + "---\n" + edited(("version: 2026-1", "version: 2026-2"), ("effective: epoch", f"effective: {effective}"), *changes)


def test_several_versions_stand_in_one_file(load: Callable[[str], Policies]) -> None:
    policies = load(second(("notice: 6h", "notice: 3h")))
    assert [(policy.version, policy.hops["forward"].limits[0]) for policy in policies.versions] == [
        ("2026-1", ("notice", 6 * HOUR_US)),
        ("2026-2", ("notice", 3 * HOUR_US)),
    ]
    assert policies.newest.version == "2026-2"
    assert policies.newest.effective_us == from_text("2026-10-01T00:00:00+09:00")


def test_the_epochs_own_instant_may_stand_for_the_word(load: Callable[[str], Policies]) -> None:
    assert load(edited(("effective: epoch", "effective: 2015-10-05T00:00:00+09:00"))).newest.version == "2026-1"


@pytest.mark.parametrize(
    ("text", "key", "wrong"),
    [
        (
            edited(("effective: epoch", "effective: 2026-04-01T00:00:00+09:00")),
            "effective",
            "expected epoch (the first version is in force from the policy's epoch), got '2026-04-01T00:00:00+09:00'",
        ),
        (second(effective="epoch"), "effective", "expected an instant after that of version 2026-1, got 'epoch'"),
        (
            second(("procedure: my-number-card", "procedure: other")),
            "procedure",
            "expected the same as in version 2026-1: another shape is another procedure",
        ),
        (
            second(("  delivery:", "  transport:")),
            "hops",
            "expected the same as in version 2026-1: another shape is another procedure",
        ),
        (
            second(("terminals: [card.handed_over, card.discarded,", "terminals: [card.discarded, card.handed_over,")),
            "terminals",
            "expected the same as in version 2026-1: another shape is another procedure",
        ),
        (second(("version: 2026-2", "version: 2026-1")), "version", "expected a version that no document before it has, got '2026-1'"),
        (
            second(effective="2031-01-01T00:00:00+09:00"),
            "calendars.municipal",
            f"expected a calendar that begins before this version is in force, and ends after that day, got '{CALENDAR}'",
        ),
        (
            edited(("epoch: 2015-10-05T", "epoch: 2014-10-05T")),
            "calendars.municipal",
            f"expected a calendar that begins before this version is in force, and ends after that day, got '{CALENDAR}'",
        ),
    ],
)
def test_a_version_owes_something_to_the_others(faults: Callable[[str], list[str]], text: str, key: str, wrong: str) -> None:
    line = text[: text.rindex(f"\n{key.split('.')[0]}:")].count("\n") + 2 + key.count(".")
    assert faults(text) == [f"my.yaml:{line}: {key}: {wrong}"]


# Overrides


NOT_OBSERVED = """overrides:
  - {name: x-forward, match: {vendor: x}, hop: forward, set: {begins: [application.submitted]}}
  - {name: x-upload, match: {vendor: x}, hop: upload, set: {watched: false}}
"""


def test_a_vendors_uploads_may_not_be_observed(load: Callable[[str], Policies]) -> None:
    policy = load(edited(("overrides: []\n", NOT_OBSERVED))).newest
    forward, rule = effective_hop(policy, "forward", {"vendor": "x"})
    assert (forward.begins, rule) == (("application.submitted",), "x-forward")
    assert forward.limits == policy.hops["forward"].limits
    assert effective_hop(policy, "upload", {"vendor": "x"})[0].watched is False
    assert effective_hop(policy, "upload", {"vendor": "plaza"})[0].watched is True


def test_a_municipality_code_needs_no_quotes(load: Callable[[str], Policies]) -> None:
    # YAML itself reads 011002 as the octal number 4610
    rule = "overrides: [{name: sapporo, match: {kiosk_municipality: 011002}, hop: notice, set: {limits: {notice: 20}}}]\n"
    policy = load(edited(("overrides: []\n", rule))).newest
    assert effective_hop(policy, "notice", {"kiosk_municipality": "011002"})[1] == "sapporo"


def test_an_override_may_change_clock_calendar_and_holder(load: Callable[[str], Policies]) -> None:
    rule = "{name: r, match: {kiosk: K1}, hop: notice, set: {clock: wall, limits: {notice: 2d}, holder: post}}"
    hop = load(edited(("overrides: []\n", f"overrides: [{rule}]\n"))).newest.overrides[0].changed
    assert (hop.clock, hop.calendar, hop.limits, hop.holder) == ("wall", None, (("notice", 48 * HOUR_US),), "post")


def test_an_override_may_count_the_same_days_on_open_ones(load: Callable[[str], Policies]) -> None:
    rule = "{name: r, match: {kiosk: K1}, hop: delivery, set: {clock: business_days, calendar: municipal}}"
    hop = load(edited(("overrides: []\n", f"overrides: [{rule}]\n"))).newest.overrides[0].changed
    assert (hop.clock, hop.calendar, hop.limits) == ("business_days", "municipal", (("notice", 5), ("warn", 7), ("breach", 10)))


def override_faults(rule: str, key: str, wrong: str) -> tuple[str, str, str]:
    """A rule in the line of ``overrides``, and its fault."""
    return f"overrides: [{rule}]\n", key, wrong


GOOD = "{name: r, match: {vendor: x}, hop: upload, set: {watched: false}}"


@pytest.mark.parametrize(
    ("rules", "key", "wrong"),
    [
        override_faults(
            GOOD.replace("vendor: x", "town: x"),
            "overrides.0.match.town",
            "no such key here (known: kiosk, vendor, kiosk_municipality, residence_municipality)",
        ),
        override_faults(
            GOOD.replace("{vendor: x}", "{}"),
            "overrides.0.match",
            "expected at least one of kiosk, vendor, kiosk_municipality, residence_municipality, got a mapping",
        ),
        override_faults(
            GOOD.replace("{watched: false}", "{}"),
            "overrides.0.set",
            "expected at least one of limits, begins, watched, clock, calendar, holder, got a mapping",
        ),
        override_faults(
            GOOD.replace("watched: false", "watched: no"), "overrides.0.set.watched", "expected one of (true, false), got 'no'"
        ),
        override_faults(
            GOOD.replace("watched: false", "ends: [notice.sent]"), "overrides.0.set.ends", "no such key here (nearest: begins)"
        ),
        override_faults(
            GOOD.replace("hop: upload", "hop: uplode"),
            "overrides.0.hop",
            "expected a hop (upload, forward, screening, correction, issuance, delivery, notice, pickup), got 'uplode'",
        ),
        override_faults(
            GOOD.replace("name: r", "name: default"), "overrides.0.name", "expected a name that no other rule has, got 'default'"
        ),
        override_faults(
            f"{GOOD}, {GOOD.replace('vendor: x', 'vendor: y')}", "overrides.1.name", "expected a name that no other rule has, got 'r'"
        ),
        override_faults(
            f"{GOOD}, {GOOD.replace('name: r', 'name: s')}", "overrides.1", "stands beside another override of this hop with the same match"
        ),
        override_faults(
            GOOD.replace("watched: false", "clock: business_days"),
            "overrides.0.set.clock",
            "expected limits beside it: durations on the wall clock, whole days on the others",
        ),
        override_faults(
            GOOD.replace("watched: false", "calendar: municipal"),
            "overrides.0.set.calendar",
            "expected no calendar: only business_days have one",
        ),
        override_faults(
            GOOD.replace("watched: false", "clock: business_days, limits: {notice: 3}"), "overrides.0.set", "expected a calendar"
        ),
        override_faults(
            GOOD.replace("watched: false", "limits: {notice: 3}"), "overrides.0.set.limits.notice", "expected a duration like 6h, got '3'"
        ),
        override_faults(
            GOOD.replace("watched: false", "begins: [application.uploaded]"),
            "overrides.0.set.begins",
            "expected milestones that come before the hop's last one, in the order of milestones, got a list",
        ),
        override_faults(
            GOOD.replace("watched: false", "holder: nobody"),
            "overrides.0.set.holder",
            "expected a holder (vendor, j-lis, post, municipality, applicant), got 'nobody'",
        ),
        override_faults("all", "overrides.0", "expected a mapping of keys, got 'all'"),
    ],
)
def test_each_mistake_in_an_override_is_named(faults: Callable[[str], list[str]], rules: str, key: str, wrong: str) -> None:
    text = edited(("overrides: []\n", rules))
    line = line_of(text, "overrides: [")
    assert f"my.yaml:{line}: {key}: {wrong}" in faults(text)


# Mistakes, one by one


@pytest.mark.parametrize(
    ("old", "new", "key", "wrong"),
    [
        ("warn: 24h", "warn: soon", "hops.forward.limits.warn", "expected a duration like 6h, got 'soon'"),
        ("warn: 24h", "warn: 0h", "hops.forward.limits.warn", "expected a duration like 6h, got '0h'"),
        ("warn: 24h", "warn: 1h", "hops.forward.limits.warn", "expected more than the limit of notice, got '1h'"),
        ("warn: 24h", "warn: [24h]", "hops.forward.limits.warn", "expected a duration like 6h, got a list"),
        ("{notice: 8, warn", "{notice: 8h, warn", "hops.screening.limits.notice", "expected a whole number of days, got '8h'"),
        ("{notice: 8, warn", "{notice: 1.5, warn", "hops.screening.limits.notice", "expected a whole number of days, got '1.5'"),
        ("{notice: 8, warn", "{notice: 0, warn", "hops.screening.limits.notice", "expected a whole number of days, got '0'"),
        (
            "{notice: 8, warn",
            "{Notice!: 8, warn",
            "hops.screening.limits.Notice!",
            "expected a name of a-z and 0-9 with single . _ - between them, got 'Notice!'",
        ),
        ("{notice: 6h, warn: 24h, breach: 72h}", "{}", "hops.forward.limits", "expected at least one of the limits, got a mapping"),
        ("clock: wall", "clock: wal", "hops.upload.clock", "expected one of (wall, calendar_days, business_days), got 'wal'"),
        (
            "ends: [application.received]",
            "ends: [application.recieved]",
            "hops.forward.ends.0",
            "expected one of the milestones (nearest: application.received), got 'application.recieved'",
        ),
        ("ends: [application.received]", "ends: []", "hops.forward.ends", "expected a list of milestones, got a list"),
        (
            "ends: [application.received]",
            "ends: application.received",
            "hops.forward.ends",
            "expected a list of milestones, got 'application.received'",
        ),
        (
            "ends: [application.received]",
            "ends: [application.forwarded]",
            "hops.forward.ends.0",
            "expected a milestone that is no claim (a claim ends nothing), got 'application.forwarded'",
        ),
        ("ends: [application.received]", "ends: [card.issued, card.issued]", "hops.forward.ends.1", "'card.issued' stands twice"),
        (
            "begins: [application.uploaded]",
            "begins: [application.forwarded]",
            "hops.forward.begins.0",
            "expected a milestone that is no claim (a claim begins nothing), got 'application.forwarded'",
        ),
        (
            "begins: [notice.sent]",
            "begins: [card.discarded]",
            "hops.pickup.begins.0",
            "expected a milestone that is no terminal (nothing begins after the end), got 'card.discarded'",
        ),
        (
            "begins: [application.accepted]",
            "begins: [application.resubmitted]",
            "hops.issuance.begins.0",
            "expected the milestone for which it stands in its own attempt (attempts.stands_for), got 'application.resubmitted'",
        ),
        (
            "begins: [application.uploaded]",
            "begins: [application.accepted]",
            "hops.forward.begins",
            "expected milestones that come before the hop's last one, in the order of milestones, got a list",
        ),
        (
            "    holder: post\n",
            "    holder: mail\n",
            "hops.delivery.holder",
            "expected a holder (vendor, j-lis, post, municipality, applicant), got 'mail'",
        ),
        ("    holder: post\n", "    holder:\n", "hops.delivery.holder", "expected a holder, got nothing"),
        (
            "    calendar: municipal\n",
            "    calendar: national\n",
            "hops.screening.calendar",
            "expected a calendar (municipal), got 'national'",
        ),
        (
            "    clock: wall\n",
            "    clock: wall\n    calendar: municipal\n",
            "hops.upload.calendar",
            "expected no calendar: only business_days have one",
        ),
        (
            "    clock: wall\n",
            "    clock: wall\n    colour: red\n",
            "hops.upload.colour",
            "no such key here (known: label, begins, ends, holder, clock, limits, calendar)",
        ),
        (
            "speakers: [vendor], passes_to: vendor}",
            "speakers: [vender], passes_to: vendor}",
            "milestones.application.submitted.speakers.0",
            "expected one of the speakers (vendor, j-lis, municipality), got 'vender'",
        ),
        (
            "speakers: [vendor], passes_to: vendor}",
            "speakers: [vendor], passes_to: shop}",
            "milestones.application.submitted.passes_to",
            "expected one of (vendor, j-lis, post, municipality, applicant, none), got 'shop'",
        ),
        (
            "passes_to: none, claim: true",
            "passes_to: vendor, claim: true",
            "milestones.application.forwarded.passes_to",
            "expected none (a claim moves nothing), got 'vendor'",
        ),
        (
            "passes_to: none, claim: true",
            "passes_to: none, claim: maybe",
            "milestones.application.forwarded.claim",
            "expected one of (true, false), got 'maybe'",
        ),
        (
            "  card.issued: {",
            "  event.corrected: {",
            "milestones.event.corrected",
            "event.corrected is an event of its own, and can be no milestone",
        ),
        (
            "  card.issued: {",
            "  card:issued: {",
            "milestones.card:issued",
            "expected a name of a-z and 0-9 with single . _ - between them, got 'card:issued'",
        ),
        ("  notice.sent: {", "  card.arrived: {", "milestones.card.arrived", "stands twice"),
        (
            "duty_basis: none, supervisor: none, contact",
            "duty_basis: custom, supervisor: none, contact",
            "holders.vendor.duty_basis",
            "expected one of (statute, contract, none), got 'custom'",
        ),
        ("  post: {", "  none: {", "holders.none", "'none' is the word for nobody, and can be no holder's name"),
        ("own_feed: true", "own_feed: 1", "speakers.vendor.own_feed", "expected one of (true, false), got '1'"),
        (
            "terminals: [card.handed_over",
            "terminals: [card.handed_out",
            "terminals.0",
            "expected one of the milestones (nearest: card.handed_over), got 'card.handed_out'",
        ),
        (
            "{begins: application.resubmitted,",
            "{begins: application.tried,",
            "attempts.begins",
            "expected a milestone (nearest: application.received), got 'application.tried'",
        ),
        (
            "stands_for: application.submitted",
            "stands_for: application.resubmitted",
            "attempts.stands_for",
            "expected another milestone than application.resubmitted, got 'application.resubmitted'",
        ),
        (
            "{milestone: application.submitted,",
            "{milestone: x,",
            "attribution.milestone",
            "expected a milestone (known: application.submitted, application.uploaded",
        ),
        (
            "terminals: [card.handed_over,",
            "terminals: [application.forwarded, card.handed_over,",
            "terminals",
            "expected milestones that vendor may not say (attribution.speaker), got 'application.forwarded'",
        ),
        ("speaker: vendor}", "speaker: j-lis}", "attribution.speaker", "expected a speaker of application.submitted, got 'j-lis'"),
        ("speaker: vendor}", "speaker: shop}", "attribution.speaker", "expected a speaker (vendor, j-lis, municipality), got 'shop'"),
        (
            "timezone: Asia/Tokyo",
            "timezone: Asia/Tokio",
            "timezone",
            "expected a time zone like Asia/Tokyo (nearest: Asia/Tokyo), got 'Asia/Tokio'",
        ),
        (
            'subject: "[0-9]{23}"',
            'subject: "[0-9"',
            "subject",
            "expected a pattern like [0-9]{23} (unterminated character set at position 0), got '[0-9'",
        ),
        (
            "epoch: 2015-10-05T00:00:00+09:00",
            "epoch: 2015-10-05T00:00:00",
            "epoch",
            "expected an instant with its offset, like 2015-10-05T00:00:00+09:00, got '2015-10-05T00:00:00'",
        ),
        (
            "effective: epoch",
            "effective: now",
            "effective",
            "expected an instant with its offset, like 2015-10-05T00:00:00+09:00, got 'now'",
        ),
        ("pulse_interval: 1s", "pulse_interval: 0s", "pulse_interval", "expected a duration like 6h, got '0s'"),
        ("settle: 60s", "settle: -60s", "settle", "expected a duration like 6h, got '-60s'"),
        ("grace: 7d", "grace: 7 days", "grace", "expected a duration like 6h, got '7 days'"),
        (
            "procedure: my-number-card",
            "procedure: My Number",
            "procedure",
            "expected a name of a-z and 0-9 with single . _ - between them, got 'My Number'",
        ),
        ("version: 2026-1", "version:", "version", "expected a text, got nothing"),
        ("settle: 60s", "setle: 60s", "setle", "no such key here (nearest: settle)"),
    ],
)
def test_each_mistake_names_line_key_what_was_expected_and_what_stood_there(
    faults: Callable[[str], list[str]], old: str, new: str, key: str, wrong: str
) -> None:
    text = edited((old, new))
    line = line_of(TEXT, old) + (new.count("\n") - old.count("\n"))
    found = faults(text)
    assert any(fault.startswith(f"my.yaml:{line}: {key}: {wrong}") for fault in found), found


@pytest.mark.parametrize("key", ["procedure", "subject", "epoch", "settle", "terminals"])
def test_a_missing_key_is_named(faults: Callable[[str], list[str]], key: str) -> None:
    text = re.sub(rf"^{key}:.*\n", "", TEXT, flags=re.MULTILINE)
    begins = line_of(text, "label: " if key == "procedure" else "procedure: ")
    assert f"my.yaml:{begins}: {key}: is missing" in faults(text)


@pytest.mark.parametrize("key", ["begins", "holder", "limits"])
def test_a_hops_missing_key_is_named_at_the_hop(faults: Callable[[str], list[str]], key: str) -> None:
    text = re.sub(rf"^    {key}:.*\n", "", TEXT, count=1, flags=re.MULTILINE)
    assert f"my.yaml:{line_of(text, '  upload:')}: hops.upload.{key}: is missing" in faults(text)


def test_business_days_need_a_calendar(faults: Callable[[str], list[str]]) -> None:
    text = edited(("    calendar: municipal\n", ""))
    assert faults(text) == [f"my.yaml:{line_of(text, '  screening:')}: hops.screening: expected a calendar"]


def test_a_policy_without_calendars_can_name_none(faults: Callable[[str], list[str]]) -> None:
    text = edited((f"calendars:\n  municipal: {CALENDAR}\n", ""))
    line = line_of(text, "    calendar: municipal")
    assert (
        f"my.yaml:{line}: hops.screening.calendar: expected one of the calendars, of which the policy has none, got 'municipal'"
        in faults(text)
    )


def test_all_mistakes_of_a_file_come_at_once(faults: Callable[[str], list[str]]) -> None:
    text = edited(("warn: 24h", "warn: soon"), ("    holder: post\n", "    holder: mail\n"), ("grace: 7d", "grace: long"))
    found = faults(text)
    assert [fault.split(": ")[1] for fault in found] == ["grace", "hops.forward.limits.warn", "hops.delivery.holder"]


def test_a_missing_section_is_one_mistake_and_not_fifty(faults: Callable[[str], list[str]]) -> None:
    text = re.sub(r"^holders:\n(  .*\n)+", "", TEXT, flags=re.MULTILINE)
    assert [fault.split(": ", 1)[1] for fault in faults(text)] == ["holders: is missing"]


def test_mistakes_of_a_calendar_are_named_in_its_own_file(faults: Callable[[str], list[str]], tmp_path: Path) -> None:
    (tmp_path / "days.yaml").write_text(CALENDAR.read_text(encoding="utf-8").replace("from: 12-29", "from: Christmas"), encoding="utf-8")
    text = edited((str(CALENDAR), "days.yaml"))
    line = line_of((tmp_path / "days.yaml").read_text(encoding="utf-8"), "from:")
    assert faults(text) == [
        f"days.yaml:{line}: closures.0.from: expected a day of 1970 to 2099, like 2026-12-29, or 12-29 for every year, got 'Christmas'"
    ]


def test_a_calendar_that_is_not_there_is_named(faults: Callable[[str], list[str]]) -> None:
    found = faults(edited((str(CALENDAR), "nowhere.yaml")))
    assert len(found) == 1
    assert found[0].startswith("nowhere.yaml: cannot be read: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.yaml: cannot be read: .*No such file"):
        load_policies(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "my.yaml:1: expected a mapping of keys, got nothing"),
        ("# only a comment\n", "my.yaml:1: expected a mapping of keys, got nothing"),
        ("- a\n- list\n", "my.yaml:1: expected a mapping of keys, got a list"),
        ("a: [1\nb: 2\n", "my.yaml:2: is no YAML: expected ',' or ']', but got ':'"),
        ("a: \x01\n", "my.yaml: is no YAML: unacceptable character"),
        ("? [a, b]\n: c\n", "my.yaml:1: expected words as keys, got a list or a mapping as one"),
        ("*nowhere\n", "my.yaml:1: is no YAML: found undefined alias 'nowhere'"),
    ],
)
def test_what_is_no_policy_at_all_is_said_in_one_line(faults: Callable[[str], list[str]], text: str, fault: str) -> None:
    found = faults(text)
    assert found[0].startswith(fault)
