"""Another procedure, in another country, is another file: nothing in the code knows cards, J-LIS or Japan."""

from pathlib import Path

import pytest

from schemas.cards import load_cards
from schemas.instants import from_text, to_text
from streams.deadlines import due_us, effective_hop, in_force
from streams.parties import Feed, load_parties, public_feeds
from streams.policy import Policies
from streams.policy_file import load_policies

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def policies() -> Policies:
    return load_policies(HERE / "building-permit.yaml")


def due(policies: Policies, hop_name: str, entered: str) -> list[str | None]:
    policy = in_force(policies, from_text(entered))
    hop = policy.hops[hop_name]
    dues = (due_us(hop, limit, from_text(entered), policy) for _, limit in hop.limits)
    return [None if instant is None else to_text(instant) for instant in dues]


def test_levels_are_the_files_own_words_and_need_not_be_three(policies: Policies) -> None:
    hops = policies.newest.hops
    assert hops["examination"].levels == ("reminder", "overdue")
    assert hops["structure"].levels == ("overdue",)
    assert hops["revision"].levels == ("reminder", "overdue", "hopeless")


def test_a_procedure_may_have_one_attempt_only(policies: Policies) -> None:
    assert (policies.newest.attempt_begins, policies.newest.attempt_stands_for) == (None, None)


def test_the_office_counts_its_own_open_days(policies: Policies) -> None:
    # Filed on Thursday 5 March 2026. Open are 6, 9-13, 16-20, 23-26 March: the 15th is the 26th.
    # The 30th: 27, 30, 31 March, 1, 2 April (Easter: 3 and 6 closed), 7-10, 13-17, 20 April. Clocks went forward on 29 March.
    assert due(policies, "examination", "2026-03-05T10:00:00+01:00") == ["2026-03-26T23:00:00Z", "2026-04-20T22:00:00Z"]


def test_international_womens_day_is_free_in_berlin_only(policies: Policies) -> None:
    # Revised on Friday 5 March 2027. Monday 8 March is the holiday: 9-12, 15-19, 22 March. With it, the 10th would be the 19th.
    assert due(policies, "decision", "2027-03-05T09:00:00+01:00")[0] == "2027-03-22T23:00:00Z"


def test_a_dated_closure_of_the_office_is_not_counted(policies: Policies) -> None:
    # Revised on Friday 12 June 2026; the office moves from 15 to 19 June. 22-26, 29, 30 June, 1-3 July.
    assert due(policies, "decision", "2026-06-12T09:00:00+02:00")[0] == "2026-07-03T22:00:00Z"


def test_most_specific_override_wins_in_any_procedure(policies: Policies) -> None:
    policy = policies.newest
    in_mitte = {"vendor": "modulbau", "kiosk": None, "kiosk_municipality": "mitte", "residence_municipality": None}
    assert effective_hop(policy, "examination", in_mitte)[1] == "old-town"
    assert effective_hop(policy, "examination", {**in_mitte, "kiosk_municipality": "pankow"})[1] == "prefabricated"
    assert effective_hop(policy, "structure", in_mitte)[0].watched is False


def test_two_roles_with_feeds_of_their_own_and_one_that_shares(policies: Policies) -> None:
    parties = load_parties(HERE / "parties.yaml", policies.newest)
    feeds = public_feeds(parties, policies.newest, load_cards(HERE / "topics"))
    assert list(feeds.values()) == [
        Feed("authority-events", "authority-events", None, ("authority",), None, 2),
        Feed("designs.atelier-spree", "designs", "atelier-spree", ("designer",), "atelier-spree", 3),
        Feed("designs.modulbau", "designs", "modulbau", ("designer",), "modulbau", 2),
        Feed("inspections.prueftechnik", "inspections", "prueftechnik", ("inspection-body",), "prueftechnik", 2),
    ]
    assert parties.vendors(policies.newest) == ("atelier-spree", "modulbau", "prueftechnik")


def test_the_subject_is_the_procedures_own(policies: Policies) -> None:
    subject = policies.newest.subject
    assert subject.fullmatch("BP-2026-XK00417")
    assert not subject.fullmatch("0" * 23)
