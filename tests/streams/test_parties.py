"""Who speaks, where, and for which sources; and one clear line for each mistake in the list."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from schemas.cards import Card, load_cards
from schemas.identity import municipality_ok
from streams.marked_yaml import PolicyError
from streams.parties import Feed, Parties, load_parties, public_feeds
from streams.policy_file import load_policies

FOLDER = Path(__file__).parents[2] / "streams" / "policies"
POLICY = load_policies(FOLDER / "my-number-card.yaml").newest
CARDS = load_cards()
SHIPPED = (FOLDER / "parties.yaml").read_text(encoding="utf-8")
SOKA = "112216"


@pytest.fixture(scope="module")
def parties() -> Parties:
    return load_parties(FOLDER / "parties.yaml", POLICY)


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Parties]:
    def write_and_load(text: str) -> Parties:
        (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
        return load_parties(tmp_path / "p.yaml", POLICY)

    return write_and_load


def edited(old: str, new: str) -> str:
    assert old in SHIPPED
    return SHIPPED.replace(old, new, 1)


# Names and roles


def test_a_named_party_has_its_role(parties: Parties) -> None:
    assert [parties.role(name) for name in ("plaza", "j-lis", "nobody")] == ["vendor", "j-lis", None]


def test_a_municipality_is_known_by_its_code(parties: Parties) -> None:
    assert parties.role(SOKA) == "municipality"


def test_any_code_with_a_true_check_digit_is_a_municipality_and_no_other(parties: Parties) -> None:
    codes = [f"{random.Random(seed).randrange(10**6):06}" for seed in range(500)]
    assert [parties.role(code) for code in codes] == ["municipality" if municipality_ok(code) else None for code in codes]
    assert parties.role(SOKA[:-1]) is None
    assert parties.role(f"{SOKA} ") is None


def test_a_member_of_a_family_is_a_party_like_any_other(parties: Parties) -> None:
    soka = parties.party(SOKA)
    assert soka is not None
    assert (soka.name, soka.label, soka.sources) == (SOKA, "市区町村", (f"/municipalities/{SOKA}/",))


def test_a_party_is_found_by_its_name(parties: Parties) -> None:
    assert parties.party("plaza") is parties.parties["plaza"]
    assert parties.party("112217") is None


# Whose source


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        ("/vendors/plaza/kiosk-17", "plaza"),
        ("/vendors/plaza/", "plaza"),
        ("/vendors/plaza", "plaza"),
        ("/vendors/plaza2/kiosk-17", None),
        ("/vendors/", None),
        (f"/municipalities/{SOKA}/counter", SOKA),
        (f"/municipalities/{SOKA}", SOKA),
        ("/municipalities/112217/counter", None),
        ("/municipalities//counter", None),
        ("", None),
    ],
)
def test_a_source_is_owned_by_the_party_whose_prefix_it_has(parties: Parties, source: str, owner: str | None) -> None:
    assert parties.owner_of_source(source) == owner


def test_the_longest_prefix_wins_whoever_stands_first(load: Callable[[str], Parties]) -> None:
    # tokiwa runs some booths that plaza owns
    parties = load(edited("sources: [/vendors/tokiwa/]", "sources: [/vendors/tokiwa/, /vendors/plaza/shared/]"))
    assert parties.owner_of_source("/vendors/plaza/shared/k1") == "tokiwa"
    assert parties.owner_of_source("/vendors/plaza/own/k1") == "plaza"


# Feeds


def test_each_vendor_has_a_topic_of_its_own_and_the_others_share(parties: Parties) -> None:
    width = CARDS["kiosk-events"].partitions
    feeds = public_feeds(parties, POLICY, CARDS)
    assert {topic: (feed.party, feed.speaker, feed.roles, feed.partitions) for topic, feed in feeds.items()} == {
        "kiosk-events.plaza": ("plaza", "plaza", ("vendor",), width),
        "kiosk-events.tokiwa": ("tokiwa", "tokiwa", ("vendor",), width),
        "kiosk-events.minato": ("minato", "minato", ("vendor",), width),
        "jlis-events": (None, "j-lis", ("j-lis",), width),
        "municipal-events": (None, None, ("municipality",), width),
    }


def test_a_retired_vendor_is_waited_for_by_nobody_but_still_known(load: Callable[[str], Parties]) -> None:
    parties = load(edited("sources: [/vendors/minato/]", "sources: [/vendors/minato/]\n    retired: true"))
    assert parties.vendors(POLICY) == ("plaza", "tokiwa")
    assert "kiosk-events.minato" not in public_feeds(parties, POLICY, CARDS)
    assert parties.role("minato") == "vendor"
    assert parties.owner_of_source("/vendors/minato/k1") == "minato"


def test_partitions_are_the_partys_else_the_settings_else_the_cards(load: Callable[[str], Parties]) -> None:
    parties = load(edited("sources: [/vendors/minato/]", "sources: [/vendors/minato/]\n    partitions: 7"))
    assert [public_feeds(parties, POLICY, CARDS, 5)[f"kiosk-events.{name}"].partitions for name in ("minato", "plaza")] == [7, 5]
    assert public_feeds(parties, POLICY, CARDS)["municipal-events"].partitions == CARDS["municipal-events"].partitions


def test_a_topic_shared_by_two_parties_must_name_the_speaker_in_its_records(load: Callable[[str], Parties]) -> None:
    other = "  j-lis-west:\n    role: j-lis\n    label: west\n    contact: west\n    sources: [/j-lis-west/]\n  j-lis:\n"
    assert card_faults(load(edited("  j-lis:\n", other)), CARDS) == [
        "card jlis-events: expected a speaker_header: not exactly one party speaks there"
    ]


def test_a_family_cannot_be_told_apart_by_the_topic_alone(parties: Parties) -> None:
    cards = {**CARDS, "municipal-events": msgspec.structs.replace(CARDS["municipal-events"], speaker_header=None)}
    assert card_faults(parties, cards) == ["card municipal-events: expected a speaker_header: not exactly one party speaks there"]


def test_a_role_that_no_card_lets_speak_is_named(parties: Parties) -> None:
    cards = {name: card for name, card in CARDS.items() if name != "municipal-events"}
    assert card_faults(parties, cards) == ["speaker municipality: expected one card that it speaks on, got none"]


def test_a_role_that_speaks_in_two_places_is_named(parties: Parties) -> None:
    card = CARDS["jlis-events"]
    cards = {**CARDS, "more": msgspec.structs.replace(card, name="more-events")}
    assert card_faults(parties, cards) == ["speaker j-lis: expected one card that it speaks on, got jlis-events, more"]


def test_policy_and_card_agree_on_whose_feed_it_is(parties: Parties) -> None:
    shared = {**CARDS, "kiosk-events": msgspec.structs.replace(CARDS["kiosk-events"], name="kiosk-events", speaker_header="h")}
    assert card_faults(parties, shared) == [
        "card kiosk-events: expected {party} in its topic's name, as the speaker vendor is in the policy"
    ]
    own = {**CARDS, "jlis-events": msgspec.structs.replace(CARDS["jlis-events"], name="jlis-events.{party}")}
    assert card_faults(parties, own) == ["card jlis-events: expected no {party} in its topic's name, as the speaker j-lis is in the policy"]


def card_faults(parties: Parties, cards: Mapping[str, Card]) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        public_feeds(parties, POLICY, cards)
    return str(caught.value).splitlines()


def test_internal_topics_are_no_feeds(parties: Parties) -> None:
    assert not {"custody-log", "applications", "stall-events"} & public_feeds(parties, POLICY, CARDS).keys()


def test_vendors_are_whoever_has_a_feed_of_its_own_in_the_policy(parties: Parties) -> None:
    speakers = {**POLICY.speakers, "j-lis": replace(POLICY.speakers["j-lis"], own_feed=True)}
    assert parties.vendors(replace(POLICY, speakers=speakers)) == ("plaza", "tokiwa", "minato", "j-lis")


def test_the_input_set_has_a_number(parties: Parties) -> None:
    assert parties.input_set == 1


def test_every_shipped_vendor_says_that_it_is_fictional(parties: Parties) -> None:
    assert all("架空" in parties.parties[name].label for name in parties.vendors(POLICY))


def test_a_feed_knows_its_card(parties: Parties) -> None:
    feed = public_feeds(parties, POLICY, CARDS)["kiosk-events.plaza"]
    assert feed == Feed("kiosk-events.plaza", "kiosk-events", "plaza", ("vendor",), "plaza", CARDS["kiosk-events"].partitions)


# Mistakes


@pytest.mark.parametrize(
    ("old", "new", "key", "wrong"),
    [
        ("input_set: 1", "input_set: one", "input_set", "expected a whole number, got 'one'"),
        ("input_set: 1", "input_set: 0", "input_set", "expected a whole number, got '0'"),
        (
            "role: vendor",
            "role: vender",
            "parties.plaza.role",
            "expected a speaker of the policy (vendor, j-lis, municipality), got 'vender'",
        ),
        (
            "role: municipality",
            "role: vendor",
            "families.0.role",
            "expected a speaker of the policy without a feed of its own (j-lis, municipality), got 'vendor'",
        ),
        ("names: municipality_code", "names: town", "families.0.names", "expected one of (municipality_code), got 'town'"),
        (
            "sources: [/j-lis/]",
            "sources: [/j-lis]",
            "parties.j-lis.sources.0",
            "expected the beginning of a source, like /vendors/plaza/, got '/j-lis'",
        ),
        ("sources: [/j-lis/]", "sources: []", "parties.j-lis.sources", "expected a list of sources, got a list"),
        (
            "sources: [/j-lis/]",
            "sources: ['/j-lis/{party}/']",
            "parties.j-lis.sources.0",
            "expected the beginning of a source, like /vendors/plaza/, got '/j-lis/{party}/'",
        ),
        (
            "/municipalities/{party}/",
            "/municipalities/",
            "families.0.sources.0",
            "expected the beginning of a source, like /vendors/{party}/, got '/municipalities/'",
        ),
        ("  minato:", "  pulse:", "parties.pulse", "is a word of custody-log's keys, and can be no party's name"),
        ("  minato:", f"  {'a1' * 32}:", f"parties.{'a1' * 32}", "is a word of custody-log's keys, and can be no party's name"),
        (
            "  minato:",
            "  Minato Ltd:",
            "parties.Minato Ltd",
            "expected a name of a-z and 0-9 with single . _ - between them, got 'Minato Ltd'",
        ),
        ("  minato:", "  plaza:", "parties.plaza", "stands twice"),
        ("  minato:", "  minato:\n    retird: true", "parties.minato.retird", "no such key here (nearest: retired)"),
        ("  minato:", "  minato:\n    retired: yes", "parties.minato.retired", "expected one of (true, false), got 'yes'"),
        ("  minato:", "  minato:\n    partitions: none", "parties.minato.partitions", "expected a number of partitions, got 'none'"),
    ],
)
def test_each_mistake_in_the_list_names_its_line_and_key(
    load: Callable[[str], Parties], tmp_path: Path, old: str, new: str, key: str, wrong: str
) -> None:
    line = SHIPPED[: SHIPPED.index(old)].count("\n") + 1 + new.count("\n")
    with pytest.raises(PolicyError) as caught:
        load(edited(old, new))
    assert f"{tmp_path}/p.yaml:{line}: {key}: {wrong}" in str(caught.value).splitlines()


def test_two_parties_cannot_begin_their_sources_alike(load: Callable[[str], Parties], tmp_path: Path) -> None:
    text = edited("sources: [/vendors/tokiwa/]", "sources: [/vendors/plaza/]")
    line = text[: text.index("  tokiwa:")].count("\n") + 1
    with pytest.raises(PolicyError) as caught:
        load(text)
    assert str(caught.value) == (
        f"{tmp_path}/p.yaml:{line}: parties.tokiwa: expected sources of its own, got '/vendors/plaza/', which is plaza's"
    )


def test_without_a_policy_roles_are_not_checked(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(SHIPPED.replace("role: vendor", "role: shop"), encoding="utf-8")
    assert load_parties(tmp_path / "p.yaml").of_role("shop") == ("plaza", "tokiwa", "minato")


# What is said of a party beyond its events

AUDITED = """    sources: [/vendors/plaza/]
    inspections:
      - {kind: technical, on: 2026-02-10, valid_until: 2027-02-09, result: passed, source: report 7}
    replies:
      - {on: 2026-04-09, criterion: in_time, hop: forward, state: published, text: a line was cut}
    disputes:
      - {on: 2026-04-10, criterion: claims, state: open, text: it came}
"""


def test_inspections_replies_and_disputes_are_dated_entries_of_a_party(load: Callable[[str], Parties]) -> None:
    plaza = load(edited("    sources: [/vendors/plaza/]\n", AUDITED)).parties["plaza"]

    assert [(each.kind, each.on.isoformat(), each.result, each.source) for each in plaza.inspections] == [
        ("technical", "2026-02-10", "passed", "report 7")
    ]
    assert [(each.state, each.concerns("in_time", "forward"), each.concerns("in_time", "upload")) for each in plaza.replies] == [
        ("published", True, False)
    ]
    assert [(each.state, each.concerns("claims", "")) for each in plaza.disputes] == [("open", True)]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("valid_until: 2027-02-09", "valid_until: 2025-02-09", "inspections.0.valid_until: expected a day not before 2026-02-10"),
        ("on: 2026-02-10", "on: soon", "inspections.0.on: expected a day like 2026-04-01, got 'soon'"),
        ("result: passed", "result: good", "inspections.0.result: expected one of (passed, failed), got 'good'"),
        ("state: open", "state: closed", "disputes.0.state: expected one of (open, upheld, dismissed), got 'closed'"),
        (", text: it came", "", "disputes.0.text: is missing"),
    ],
)
def test_a_mistake_in_them_is_named(load: Callable[[str], Parties], old: str, new: str, fault: str) -> None:
    assert old in AUDITED
    with pytest.raises(PolicyError) as caught:
        load(edited("    sources: [/vendors/plaza/]\n", AUDITED.replace(old, new, 1)))
    assert fault in str(caught.value)
