"""Intake as a process, on both brokers: what becomes of what sources send, and what its pulses say."""

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from schemas.cards import load_cards
from schemas.instants import SECOND_US, from_text
from schemas.reasons import Reason
from schemas.situations import situations
from streams.programs import Program
from tests.streams.intake_house import (
    BROKERS,
    DEAD_LETTERS,
    House,
    Sent,
    check_promises,
    open_broker,
    send_with_header_named,
    submissions,
    submitted,
    vouched,
)

MUNICIPAL = load_cards()["municipal-events"]


@pytest.fixture(scope="module", params=BROKERS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with open_broker(request.param, request, folder) as broker:
        house = House(broker, folder)
        yield house
        house.close()


@pytest.fixture(scope="module")
def intake(house: House) -> Iterator[Program]:
    program = house.intake()
    yield program
    assert program.stop()
    check_promises(house.lines)
    assert program.exit_code == 0, program.last_words()


def refused_situations() -> list[tuple[str, Sent]]:
    """(reason, record) for every invalid example, in the topic of the one who would send it."""
    rng, found = Random(4), []
    for situation in situations("public"):
        if situation.reason is not None:
            topic = {"public/kiosk-events": "kiosk-events.plaza"}.get(situation.folder, situation.folder.removeprefix("public/"))
            for value in situation.values(rng):
                named = json.loads(value).get("speaker") if topic == MUNICIPAL.topic() else None
                headers = [(MUNICIPAL.speaker_header or "", named.encode())] if named else []
                found.append((situation.reason, Sent(topic, value or None, headers)))
    return found


def test_every_kind_of_bad_record_is_refused_for_its_reason_and_stops_nothing(house: House, intake: Program) -> None:
    bad = refused_situations()
    assert {reason for reason, _ in bad} == {reason.value for reason in Reason}
    origins = house.send(sent for _, sent in bad)
    (after,) = house.send([Sent("kiosk-events.plaza", json.dumps(submitted(Random(5))).encode())])

    lines = {line.origin: line for line in house.wait_for([*origins, after])}

    assert [(lines[origin].kind, lines[origin].value.get("reason")) for origin in origins] == [("refusal", reason) for reason, _ in bad]
    assert lines[after].kind == "event"
    for origin, (_, sent) in zip(origins, bad, strict=True):
        refusal = lines[origin].value
        assert refusal["size"] == len(sent.value or b"")
        assert lines[origin].partition == refusal["origin"]["partition"] % 4
    letters = {(message.key() or b"").decode(): json.loads(message.value() or b"") for message in house.read_to_end(DEAD_LETTERS)}
    assert [letters[origin]["reason"] for origin in origins] == [reason for reason, _ in bad]


def test_a_header_whose_name_is_no_text_is_refused_and_stops_nothing(house: House, intake: Program) -> None:
    began = sum(line.kind == "refusal" for line in house.lines)
    send_with_header_named(house.broker, "kiosk-events.plaza", b"\xff\xfe", json.dumps(submitted(Random(3))).encode())

    house.wait(lambda lines: sum(line.kind == "refusal" for line in lines) == began + 1)
    (refusal,) = [line.value for line in house.lines if line.kind == "refusal"][began:]
    assert (refusal["reason"], refusal["path"]) == ("invalid_encoding", "/headers")


def test_an_individual_number_is_nowhere_but_where_it_was_sent(house: House, intake: Program) -> None:
    rng = Random(6)
    number = "".join(rng.choices("123456789", k=12))
    grouped = f"{number[:4]}-{number[4:8]}-{number[8:]}"
    events = [
        submitted(rng, id=number),
        submitted(rng, data={"reason": f"number {grouped}"}),
        submitted(rng, data={number: True}),
        submitted(rng, data={"count": int(number)}),
        submitted(rng, subject=number),
    ]
    sent = [Sent("kiosk-events.plaza", json.dumps(event).encode()) for event in events]
    sent.append(Sent("kiosk-events.plaza", json.dumps(submitted(rng)).encode(), [("note", number.encode())]))
    sent.append(Sent(MUNICIPAL.topic(), json.dumps(submitted(rng)).encode(), [(MUNICIPAL.speaker_header or "", number.encode())]))

    lines = house.wait_for(house.send(sent))

    assert {line.value["reason"] for line in lines} <= {Reason.INDIVIDUAL_NUMBER.value, Reason.POSSIBLE_INDIVIDUAL_NUMBER.value}
    assert len(lines) == len(sent)
    written = b"".join([line.raw for line in house.lines] + [message.value() or b"" for message in house.read_to_end(DEAD_LETTERS)])
    for digits in (number, grouped):
        assert digits.encode() not in written
        assert digits not in intake.log.read_text()


def test_an_application_is_its_token_everywhere_and_its_id_nowhere(house: House, intake: Program) -> None:
    rng = Random(7)
    event = submitted(rng)
    event["data"]["batch"] = f"of {event['subject']}"
    lines = house.wait_for(house.send([Sent("kiosk-events.plaza", json.dumps(event).encode(), partition=place) for place in (0, 1)]))

    assert len({(line.partition, line.key, line.value["subject"]) for line in lines}) == 1  # one partition, whatever it was sent to
    for line in lines:
        assert line.key == line.value["subject"].encode()
        assert line.value["last4"] == event["subject"][-4:]
        assert line.value["data"]["batch"] == f"of {line.value['subject']}"
        assert event["subject"].encode() not in line.raw
    assert event["subject"] not in intake.log.read_text()


def test_events_go_where_javas_partitioner_puts_their_token(house: House, intake: Program) -> None:
    lines = house.wait_for(house.send(submissions(Random(8), 200)))

    assert {line.partition for line in lines} == {0, 1, 2, 3}
    assert [(line.partition, line.key) for line in lines if line.partition != (murmur2(line.key or b"") & 0x7FFFFFFF) % 4] == []


def test_who_speaks_is_said_by_topic_or_header_never_by_the_payload(house: House, intake: Program) -> None:
    rng = Random(9)
    arrived = submitted(rng, type="jp.tairyu.card.arrived", source="/municipalities/112216/counter", speaker="j-lis")
    received = submitted(rng, type="jp.tairyu.application.received", source="/j-lis/reception", speaker="plaza")
    header = MUNICIPAL.speaker_header or ""
    origins = house.send(
        [
            Sent("kiosk-events.tokiwa", json.dumps(submitted(rng, "tokiwa", speaker="plaza")).encode()),
            Sent("jlis-events", json.dumps(received).encode(), [(header, b"112216")]),
            Sent(MUNICIPAL.topic(), json.dumps(arrived).encode(), [(header, b"112216")]),
            Sent(MUNICIPAL.topic(), json.dumps(arrived).encode(), [(header, b"plaza")]),
            Sent(MUNICIPAL.topic(), json.dumps(arrived).encode(), [(header, b"\xff")]),
            Sent(MUNICIPAL.topic(), json.dumps(arrived).encode()),
        ]
    )
    lines = {line.origin: line.value for line in house.wait_for(origins)}

    assert [lines[origin].get("speaker") for origin in origins] == ["tokiwa", "j-lis", "112216", None, None, None]
    assert [lines[origin].get("reason") for origin in origins[3:]] == ["unknown_speaker"] * 3


def test_pulses_reach_every_partition_about_once_a_second_though_nothing_comes(house: House, intake: Program) -> None:
    house.wait_for(house.send(submissions(Random(10), 1)))
    began = len(house.pulses())
    house.wait(lambda lines: len(house.pulses()) >= began + 16)

    pulses = house.pulses()[began:]
    for partition in range(4):
        at = [from_text(line.value["at"]) for line in pulses if line.partition == partition]
        assert all(0.9 * SECOND_US < later - earlier < 4 * SECOND_US for earlier, later in pairwise(at))
    last = pulses[-1].value
    everything = {(feed.topic, partition) for feed in house.feeds.values() for partition in range(feed.partitions)}
    assert vouched(pulses[-1]) == everything
    # nothing is waiting: every input has been read through the pulse's own instant
    assert {text for told in last["inputs"].values() for text in told["through"].values()} == {last["at"]}
    assert (last["bucket_s"], last["input_set"]) == (5, 1)
    assert {topic: told["vendor"] for topic, told in last["inputs"].items()} == {topic: feed.party for topic, feed in house.feeds.items()}


def test_a_heartbeat_moves_heard_and_goes_to_its_speakers_partition(house: House, intake: Program) -> None:
    beat = submitted(Random(11), "minato", type="jp.tairyu.source.heartbeat", data={})
    del beat["subject"]
    (line,) = house.wait_for(house.send([Sent("kiosk-events.minato", json.dumps(beat).encode(), partition=1)]))
    assert line.key == b"minato"

    def heard() -> set[str]:
        return {pulse.value["inputs"]["kiosk-events.minato"]["heard"].get("1") for pulse in house.pulses()[-4:]}

    house.wait(lambda lines: heard() == {line.value["received"]})


def test_what_is_sent_while_it_is_down_is_taken_in_afterwards(house: House, intake: Program) -> None:
    assert intake.stop()
    assert intake.exit_code == 0
    origins = house.send(submissions(Random(12), 500))
    intake.start()

    assert sorted(line.origin for line in house.wait_for(origins)) == sorted(origins)


def test_arrival_is_the_brokers_stamp_and_never_in_the_future(house: House, intake: Program) -> None:
    tomorrow_ms = int(time.time() * 1000) + 86_400_000
    (line,) = house.wait_for(house.send([submissions(Random(13), 1)[0]._replace(stamp_ms=tomorrow_ms)]))
    assert abs(from_text(line.value["received"]) / SECOND_US - time.time()) < 60


def murmur2(data: bytes) -> int:
    """As Kafka's Java client has it."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
