"""From a speaker to the topic, and back: intake has to take the record for the speaker's own."""

import pytest

from schemas.cards import Card, load_cards
from schemas.events import Data, PublicEvent
from schemas.reasons import Reason, Refused
from streams.parties import Feed, Parties, load_parties, public_feeds
from streams.policy_file import load_policies
from streams.senders import Senders, public_key, public_value
from streams.settings import Settings

FILES = Settings.model_construct()


@pytest.fixture(scope="module")
def cards() -> dict[str, Card]:
    return load_cards()


@pytest.fixture(scope="module")
def parties() -> Parties:
    return load_parties(FILES.parties)


@pytest.fixture(scope="module")
def feeds(cards: dict[str, Card], parties: Parties) -> dict[str, Feed]:
    return public_feeds(parties, load_policies(FILES.policy).newest, cards)


@pytest.fixture(scope="module")
def senders(cards: dict[str, Card], parties: Parties, feeds: dict[str, Feed]) -> Senders:
    return Senders(parties, feeds.values(), cards)


def test_a_vendor_writes_to_its_own_topic_which_says_who_it_is(senders: Senders, feeds: dict[str, Feed]) -> None:
    for vendor in ("plaza", "tokiwa", "minato"):
        topic, headers = senders.route(vendor)
        assert (feeds[topic].party, headers) == (vendor, [])


def test_a_municipality_is_named_in_the_header_of_the_topic_that_all_share(senders: Senders, cards: dict[str, Card]) -> None:
    topic, headers = senders.route("112216")
    assert topic == cards["municipal-events"].topic()
    assert headers == [("tairyu-speaker", b"112216")]


def test_j_lis_is_alone_on_its_topic_and_needs_no_header(senders: Senders, cards: dict[str, Card]) -> None:
    assert senders.route("j-lis") == (cards["jlis-events"].topic(), [])


@pytest.mark.parametrize("nobody", ["nobody", "112217", "", None])
def test_who_is_not_known_has_nowhere_to_write(senders: Senders, nobody: str | None) -> None:
    with pytest.raises(Refused) as refused:
        senders.route(nobody)
    assert refused.value.reason == Reason.UNKNOWN_SPEAKER


def test_what_counts_in_files_only_is_not_sent() -> None:
    event = PublicEvent(
        specversion="1.0",
        id="1",
        source="/j-lis/acceptance",
        type="jp.tairyu.source.heartbeat",
        data=Data(batch="b"),
        speaker="j-lis",
        received="2026-04-01T00:00:01Z",
    )
    assert public_value(event) == (
        b'{"specversion":"1.0","id":"1","source":"/j-lis/acceptance","type":"jp.tairyu.source.heartbeat","data":{"batch":"b"}}'
    )
    assert public_key(event) == b"/j-lis/acceptance"
