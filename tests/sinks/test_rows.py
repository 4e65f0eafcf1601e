"""What records become in ClickHouse: by the names of the columns."""

import json
from random import Random
from typing import Any

import msgspec
import pytest

from schemas.codec import decode_event, decode_transition, encode, encode_application
from schemas.instants import from_text, to_text
from schemas.records import APPLIED_KEY, PULSE_KEY, REFUSAL_KEY, Application, Applied, AppliedInput, Marker
from schemas.situations import situation
from sinks.cuts import Mark
from sinks.rows import Applications, CustodyLog, HopRow, Source, StallEvents, Unreadable
from streams.verdicts import HopVerdict
from tests.sinks.tables import Record, Table, tables

TOKEN = Random(4).randbytes(32).hex()
CUSTODY, STALLS = CustodyLog(), StallEvents()


def value_of(folder: str, name: str) -> bytes:
    return situation(f"records/{folder}", name).values()[0]


def all_readable(offset: int) -> None:
    raise AssertionError(f"record {offset} was not read")


def read(source: Source, *records: tuple[bytes | None, bytes | None]) -> dict[str, Table]:
    return tables(source.rows([Record(7 + place, *record) for place, record in enumerate(records)], all_readable))


def verdict(token: str, hop: str, **more: Any) -> HopRow:
    given = {
        "attempt": 1,
        "verdict": "open",
        "level": None,
        "entered_us": 1_775_000_000_000_000,
        "due_us": None,
        "closed_us": None,
        "closed_before_us": None,
        "flags": ("undated",),
    }
    place = {"vendor": "plaza", "kiosk": "k-1", "kiosk_municipality": "112216", "residence_municipality": None}
    duty = {"holder": "vendor", "duty_basis": "none", "supervisor": "none", "rule": "default", "policy_version": "2026-1"}
    hop_verdict = HopVerdict(token=token, hop=hop, last4="0001", **{**given, **place, **duty, **more})
    return msgspec.structs.astuple(hop_verdict)


def test_an_event_is_a_row_with_its_payload_whole() -> None:
    value = value_of("custody-log", "submitted-at-a-city-hall-booth")
    event = decode_event(value)

    rows = read(CUSTODY, ((event.subject or "").encode(), value))

    (row,) = rows["events"]
    assert "refusals" not in rows
    assert (row["offset"], row["token"], row["last4"], row["type"]) == (7, event.subject, event.last4, "application.submitted")
    assert (row["speaker"], row["role"], row["source"], row["event_id"]) == (event.speaker, event.role, event.source, event.id)
    assert (row["time"], row["claimed"], row["received"]) == (from_text(event.time), event.time, from_text(event.received))
    assert (row["kiosk"], row["kiosk_municipality"]) == (event.data.kiosk, event.data.kiosk_municipality)
    assert row["origin"] == event.origin
    assert json.loads(row["data"]) == json.loads(value)["data"]


def test_a_heartbeat_is_an_event_of_no_application() -> None:
    value = value_of("custody-log", "heartbeat-without-a-subject")

    (row,) = read(CUSTODY, (b"plaza", value))["events"]

    assert (row["type"], row["token"], row["last4"]) == ("source.heartbeat", None, None)


@pytest.mark.parametrize("claim", ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-12:00", "next Tuesday", "2026-04-01T10:00:00"])
def test_a_claimed_time_that_clickhouse_cannot_say_is_kept_as_it_was_written(claim: str) -> None:
    event = decode_event(value_of("custody-log", "submitted-at-a-city-hall-booth"))

    (row,) = read(CUSTODY, (TOKEN.encode(), encode(msgspec.structs.replace(event, time=claim))))["events"]

    assert (row["time"], row["claimed"]) == (None, claim)


def test_a_refusal_is_a_row_without_anything_of_the_value() -> None:
    value = value_of("custody-log", "individual-number-in-a-key")

    rows = read(CUSTODY, (REFUSAL_KEY, value))

    (row,) = rows["refusals"]
    said = json.loads(value)
    assert "events" not in rows
    assert (row["reason"], row["path"], row["size"], row["hmac"]) == (said["reason"], said["path"], said["size"], said["hmac"])
    assert {"topic": row["origin_topic"], "partition": row["origin_partition"], "offset": row["origin_offset"]} == said["origin"]


def test_a_transition_is_a_row_whose_columns_have_the_names_of_its_data() -> None:
    value = value_of("stall-events", "cleared-after-43-days")
    said = decode_transition(value)

    (row,) = read(STALLS, (said.subject.encode(), value))["transitions"]

    data = msgspec.structs.asdict(said.data)
    instants = {name: from_text(text) for name, text in data.items() if name in ("entered_at", "due_at", "closed_at", "at") and text}
    assert row == {"offset": 7, "time": from_text(said.time), **data, **instants}


def test_pulses_clock_marks_and_applied_records_are_marks() -> None:
    pulse, mark = value_of("custody-log", "every-feed-read-to-its-end"), value_of("stall-events", "every-vendor-known")
    applied = Applied(offset=9, at_us=1_775_000_000_000_000, bucket_s=5)

    assert CUSTODY.mark(PULSE_KEY, pulse) == Mark(from_text(json.loads(pulse)["at"]), json.loads(pulse)["bucket_s"])
    assert STALLS.mark(None, mark) == Mark(from_text(json.loads(mark)["data"]["at"]), json.loads(mark)["data"]["bucket_s"])
    assert Applications(lambda token, record: ()).mark(APPLIED_KEY, encode(applied)) == Mark(1_775_000_000_000_000, 5)


def test_an_applied_record_tells_how_far_each_feed_was_read() -> None:
    inputs = {"jlis-events": AppliedInput(None, (5,)), "kiosk-events.plaza": AppliedInput("plaza", (7, None))}
    applied = Applied(offset=9, at_us=10, bucket_s=5, input_set=3, inputs=inputs)

    rows = read(Applications(lambda token, record: ()), (APPLIED_KEY, encode(applied)))

    assert [tuple(row.values()) for row in rows["coverage"]] == [
        (7, 10, "jlis-events", 0, None, 5, 3),
        (7, 10, "kiosk-events.plaza", 0, "plaza", 7, 3),
        (7, 10, "kiosk-events.plaza", 1, "plaza", None, 3),
    ]
    assert rows.keys() == {"coverage"}


def test_of_one_partition_the_first_applied_record_in_five_minutes_is_kept() -> None:
    log, minute_us = Applications(lambda token, record: ()), 60_000_000
    marks = [Mark(minute * minute_us, 5) for minute in (4, 5, 6, 9, 10)]
    cut_us, kept = 4 * minute_us, []
    for mark in marks:
        kept.append(log.is_kept(mark, cut_us, 0))
        assert not log.is_kept(mark, cut_us, 1)
        cut_us = mark.start_us
    assert kept == [False, True, False, False, True]
    assert not CUSTODY.is_kept(marks[1], 0, 0)


def test_an_applied_record_of_before_the_first_pulse_is_no_mark_yet() -> None:
    assert Applications(lambda token, record: ()).mark(APPLIED_KEY, encode(Applied())) is None


def test_what_is_no_mark_has_none() -> None:
    assert CUSTODY.mark(TOKEN.encode(), b"{}") is None
    assert CUSTODY.mark(REFUSAL_KEY, b"{}") is None
    assert STALLS.mark(TOKEN.encode(), b"{}") is None


def test_an_application_has_its_last_record_in_the_range_with_all_its_hops() -> None:
    asked: list[tuple[str, Application]] = []

    def verdicts(token: str, record: Application) -> list[HopRow]:
        asked.append((token, record))
        return [verdict(token, "upload", verdict="in_time", closed_us=1_775_000_020_000_000), verdict(token, "forward")]

    first, last = Application(last4="0001"), Application(last4="0001", vendors=("plaza",), shrink_us=1_776_000_000_000_000)
    other = Random(5).randbytes(32).hex()
    key = TOKEN.encode()
    rows = read(
        Applications(verdicts),
        *((key, encode_application(first)), (other.encode(), encode_application(first)), (key, encode_application(last))),
    )

    assert asked == [(TOKEN, last), (other, first)]  # from behind
    assert rows["applications"][0] == {
        "offset": 9,
        "token": TOKEN,
        "last4": "0001",
        "vendors": ("plaza",),
        "shrinks_at": 1_776_000_000_000_000,
    }
    hops = rows["hops"]
    assert [(hop["offset"], hop["token"], hop["hop"], hop["state"]) for hop in hops] == [
        (9, TOKEN, "upload", "in_time"),
        (9, TOKEN, "forward", "open"),
        (8, other, "upload", "in_time"),
        (8, other, "forward", "open"),
    ]
    assert (hops[0]["closed_at"], hops[0]["due_at"], hops[0]["flags"]) == (1_775_000_020_000_000, None, ("undated",))


def test_an_application_begins_with_the_first_of_its_hops_that_is_not_void() -> None:
    def begun(*verdicts: tuple[str, int]) -> set[int]:
        hops = [verdict(TOKEN, "upload", verdict=state, entered_us=entered_us) for state, entered_us in verdicts]
        rows = read(Applications(lambda token, record: hops), (TOKEN.encode(), encode_application(Application(last4="0001"))))
        return {row["begun_at"] for row in rows["hops"]}

    assert begun(("void", 1), ("open", 3), ("in_time", 2)) == {2}
    assert begun(("void", 5), ("void", 4)) == {4}


def test_what_an_application_was_before_it_shrank_stays() -> None:
    key = TOKEN.encode()
    before = Application(last4="0001")
    marker = Application(last4="0001", marker=Marker("card.handed_over", 1_775_000_000_000_000, 1_775_600_000_000_000))

    rows = read(
        Applications(lambda token, record: [verdict(token, "pickup")]),
        *((key, encode_application(before)), (key, encode_application(marker)), (key, None)),
    )

    assert [row["offset"] for row in rows["hops"]] == [7]
    assert [row["offset"] for row in rows["applications"]] == [7]


def test_a_record_that_cannot_be_read_is_named_and_the_others_have_their_rows() -> None:
    event = value_of("custody-log", "submitted-at-a-city-hall-booth")
    said = value_of("stall-events", "raised-after-six-hours")
    unreadable: list[int] = []

    def around(source: Source, key: bytes, good: bytes) -> list[int]:
        bad = [b"", b"{", b"\xff", b"[]"]
        records = [Record(offset, key, value) for offset, value in enumerate([*bad, good, None])]
        return [row["offset"] for rows in tables(source.rows(records, unreadable.append)).values() for row in rows]

    assert around(CUSTODY, TOKEN.encode(), event) == [4]
    assert around(STALLS, TOKEN.encode(), said) == [4]
    assert unreadable == [0, 1, 2, 3, 5] * 2


def test_a_mark_that_cannot_be_read_says_so() -> None:
    pulse = json.loads(value_of("custody-log", "every-feed-read-to-its-end"))
    for value in (None, b"{", json.dumps({**pulse, "at": "soon"}).encode()):
        with pytest.raises(Unreadable):
            CUSTODY.mark(PULSE_KEY, value)


def test_every_instant_that_clickhouse_can_say_is_kept_to_the_microsecond() -> None:
    event = decode_event(value_of("custody-log", "submitted-at-a-city-hall-booth"))
    for claim in ("1900-01-01T00:00:00Z", "1970-01-01T00:00:00.000001Z", "2099-12-31T23:59:59.999999Z"):
        (row,) = read(CUSTODY, (TOKEN.encode(), encode(msgspec.structs.replace(event, time=claim))))["events"]
        assert to_text(row["time"]) == claim
