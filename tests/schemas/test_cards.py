"""Topic cards: what they say, and how a card that cannot be used is refused."""

from pathlib import Path

import pytest

from schemas.cards import FOREVER, CardError, Fault, load_cards, read_card, retention_ms

GOOD = """
name: permit-events
meaning: What the office says.
owner: the office
writers: [the office]
readers: [intake]
speakers: [office]
key: ignored
partitions: 3
retention: 12h
cleanup: delete
timestamp_type: LogAppendTime
schema: [PublicEvent]
examples: public/permit-events
"""


def card_file(folder: Path, text: str, name: str = "permit-events.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def fault_of(folder: Path, text: str) -> Fault:
    with pytest.raises(CardError) as raised:
        read_card(card_file(folder, text))
    (fault,) = raised.value.faults
    return fault


def test_each_topic_of_the_design_has_a_card() -> None:
    assert load_cards().keys() == {
        "kiosk-events", "jlis-events", "municipal-events", "custody-log", "dead-letters", "applications", "stall-events", "stalls",
    }  # fmt: skip


def test_each_vendor_has_a_topic_of_its_own() -> None:
    card = load_cards()["kiosk-events"]
    assert card.own_feed
    assert [card.topic("plaza"), card.topic("tokiwa")] == ["kiosk-events.plaza", "kiosk-events.tokiwa"]


def test_a_vendors_topic_has_no_name_without_a_vendor() -> None:
    with pytest.raises(ValueError, match="whose"):
        load_cards()["kiosk-events"].topic()


def test_a_shared_topic_has_one_name_for_all() -> None:
    card = load_cards()["municipal-events"]
    assert card.topic() == card.topic("112216") == card.name == "municipal-events"


def test_only_public_topics_have_speakers() -> None:
    assert {stem for stem, card in load_cards().items() if card.public} == {"kiosk-events", "jlis-events", "municipal-events"}


def test_whatever_is_keyed_by_application_is_partitioned_as_the_log() -> None:
    cards = load_cards()
    alike = {stem for stem, card in cards.items() if card.partitioned_as == "custody-log"}
    assert alike == {"applications", "stall-events", "stalls"}
    assert {cards[stem].partitions for stem in alike} == {cards["custody-log"].partitions}


def test_applications_are_compacted_only_after_history_has_had_a_week() -> None:
    config = load_cards()["applications"].broker_config()
    assert config["cleanup.policy"] == "compact"
    assert int(config["min.compaction.lag.ms"]) == 7 * 86_400_000


def test_the_log_of_the_verdicts_is_kept_forever_and_public_topics_are_not() -> None:
    cards = load_cards()
    assert cards["custody-log"].retention_ms == FOREVER
    assert all(0 < card.retention_ms <= 7 * 86_400_000 for card in cards.values() if card.public)


def test_public_topics_carry_the_brokers_time() -> None:
    assert all(card.broker_config()["message.timestamp.type"] == "LogAppendTime" for card in load_cards().values() if card.public)


def test_in_simulation_a_public_topic_takes_scenario_time_and_deletes_nothing_by_it() -> None:
    config = load_cards()["kiosk-events"].broker_config(simulated=True)
    assert config["message.timestamp.type"] == "CreateTime"
    assert config["retention.ms"] == "-1"
    assert config["message.timestamp.after.max.ms"] == str(2**63 - 1)


def test_in_simulation_an_internal_topic_stays_as_it_is() -> None:
    card = load_cards()["custody-log"]
    assert card.broker_config(simulated=True) == card.broker_config()


def test_another_procedure_brings_another_folder(tmp_path: Path) -> None:
    card_file(tmp_path, GOOD)
    card = load_cards(tmp_path)["permit-events"]
    assert (card.speakers, card.partitions, card.retention_ms, card.schemas) == (("office",), 3, 43_200_000, ("PublicEvent",))


@pytest.mark.parametrize(("text", "span_ms"), [("7d", 604_800_000), ("12h", 43_200_000), ("90s", 90_000), ("5ms", 5), ("forever", -1)])
def test_a_retention_is_a_span_or_forever(text: str, span_ms: int) -> None:
    assert retention_ms(text) == span_ms


@pytest.mark.parametrize("text", ["7", "0d", "-1d", "7 d", "7w", "", "Forever"])
def test_anything_else_is_no_retention(text: str) -> None:
    with pytest.raises(ValueError, match="expected a span"):
        retention_ms(text)


def test_a_misspelt_key_is_named_and_so_is_the_one_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CardError) as raised:
        read_card(card_file(tmp_path, GOOD.replace("readers:", "reader:")))
    unknown, missing = str(raised.value).splitlines()
    assert unknown == "permit-events.yaml: reader: no such key in a card"
    assert missing == "permit-events.yaml: readers: is missing"


def test_a_misspelt_optional_key_is_named(tmp_path: Path) -> None:
    assert fault_of(tmp_path, GOOD + "speaker-header: x\n") == ("permit-events.yaml", "speaker-header", "no such key in a card")


@pytest.mark.parametrize(
    ("line", "instead", "key", "wrong"),
    [
        ("partitions: 3", "partitions: 0", "partitions", "at least 1"),
        ("partitions: 3", "partitions: many", "partitions", "`int`"),
        ("partitions: 3", "partitions: yes", "partitions", "`int`"),
        ("retention: 12h", "retention: 12", "retention", "`str`"),
        ("retention: 12h", "retention: long", "retention", "a span like 7d"),
        ("cleanup: delete", "cleanup: sometimes", "cleanup", "sometimes"),
        ("timestamp_type: LogAppendTime", "timestamp_type: logappendtime", "timestamp_type", "logappendtime"),
        ("readers: [intake]", "readers: intake", "readers", "`array`"),
        ("readers: [intake]", "readers: []", "readers", "is empty"),
        ("owner: the office", "owner: ''", "owner", "is empty"),
        ("schema: [PublicEvent]", "schema: PublicEvent", "schema", "`array`"),
    ],
)
def test_a_wrong_value_is_named_with_its_key(tmp_path: Path, line: str, instead: str, key: str, wrong: str) -> None:
    assert line in GOOD
    file, found, what = fault_of(tmp_path, GOOD.replace(line, instead))
    assert (file, found) == ("permit-events.yaml", key)
    assert wrong in what


def test_a_key_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    assert "'key' stands twice" in fault_of(tmp_path, GOOD + "key: another\n").wrong


@pytest.mark.parametrize("text", ["- a\n- b\n", "", "just words"])
def test_a_card_that_is_no_mapping_is_an_error(tmp_path: Path, text: str) -> None:
    assert fault_of(tmp_path, text)[1:] == ("-", "expected a mapping of keys")


def test_a_card_that_is_no_yaml_is_an_error(tmp_path: Path) -> None:
    assert fault_of(tmp_path, "name: [unclosed")[2].startswith("is no YAML")


def test_all_bad_cards_are_named_at_once(tmp_path: Path) -> None:
    card_file(tmp_path, GOOD.replace("owner: the office\n", ""), "a.yaml")
    card_file(tmp_path, GOOD.replace("cleanup: delete", "cleanup: never"), "b.yaml")
    with pytest.raises(CardError) as raised:
        load_cards(tmp_path)
    assert [fault.file for fault in raised.value.faults] == ["a.yaml", "b.yaml"]


def test_a_folder_without_cards_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="holds no card"):
        load_cards(tmp_path)
