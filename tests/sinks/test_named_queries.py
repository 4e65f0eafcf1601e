"""Named queries over a small history, with answers worked out by hand; and the layer that keeps each town to its own."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.instants import from_text, from_us, to_text
from sinks.clickhouse import Store
from sinks.migrate import read_migrations
from sinks.named_queries import EVERYWHERE, QueryError, named_query, read_queries

HOUR_US = 3_600_000_000
BEGIN_US = from_text("2026-04-01T00:00:00Z")
READ_TO = 240
"""Hours from the beginning to which history has been read."""
SOKA, CHIYODA, YOKOHAMA = "112216", "131016", "141003"
LIMIT = 3
A, B = "a" * 64, "b" * 64


def at(hour: float) -> str:
    return to_text(BEGIN_US + int(hour * HOUR_US)).replace("T", " ").removesuffix("Z")


def hours(hour: float) -> datetime:
    return from_us(BEGIN_US + int(hour * HOUR_US))


AT_SOKA = {
    "vendor": "plaza",
    "kiosk": "plaza-1",
    "kiosk_municipality": SOKA,
    "residence_municipality": SOKA,
    "holder": "vendor",
    "duty_basis": "contract",
    "supervisor": "none",
}
"""Where an application is, and who has it, unless a test says otherwise."""


class History:
    """Rows as history would have written them."""

    def __init__(self, store: Store) -> None:
        self.store, self.offset, self.begun = store, 0, 0.0
        for topic in ("custody-log", "applications", "stall-events"):
            row = {"log_id": topic, "topic": topic, "partition": 0, "lo": 0, "hi": 9, "records": 10, "bucket": 1, "cut_at": at(READ_TO)}
            self._insert("ranges", row)

    def hop(
        self, person: str, entered: float, closed: float | None = None, state: str | None = None, *, too: bool = False, **more: Any
    ) -> None:
        """One hop of one person, who has no other, or ``too``: beside those told last. Its limit is ``LIMIT`` hours."""
        self.offset += not too
        self.begun = min(self.begun, entered) if too else entered
        told = self._place("applications") | {"token": person, "last4": "0000"}
        late = closed is not None and closed - entered > LIMIT
        row = told | {
            "hop": "upload",
            "attempt": 1,
            **AT_SOKA,
            "state": state or ("open" if closed is None else "late" if late else "in_time"),
            "begun_at": at(self.begun),
            "entered_at": at(entered),
            "due_at": at(entered + LIMIT),
            "closed_at": None if closed is None else at(closed),
            "closed_before": None,
            **more,
        }
        self._insert("hops", row)
        self._insert("applications", told)

    def said(self, person: str, revision: int, kind: str, hour: float, **more: Any) -> None:
        row = {
            **self._place("stall-events"),
            "stall_id": f"{person}:upload:1",
            "revision": revision,
            "kind": kind,
            "level": "notice",
            "hop": "upload",
            "attempt": 1,
            "token": person,
            "last4": "0000",
            **AT_SOKA,
            "policy_version": "1",
            "entered_at": at(0),
            "due_at": at(LIMIT),
            "at": at(hour),
            "time": at(hour),
            **more,
        }
        self._insert("transitions", row)

    def event(self, person: str, kind: str, hour: float, kiosk: str | None = "plaza-1", heard: float | None = None) -> None:
        row = {
            **self._place("custody-log"),
            "token": person,
            "speaker": "plaza",
            "role": "vendor",
            "type": kind,
            "event_id": f"{person}{kind}",
            "source": "/plaza",
            "time": at(hour),
            "received": at(hour if heard is None else heard),
            "kiosk": kiosk,
            "kiosk_municipality": SOKA,
        }
        self._insert("events", row)

    def looked(self, hour: float, feed: str, through: float | None, vendor: str | None = None, partition: int = 0) -> None:
        told = {"feed": feed, "feed_partition": partition, "vendor": vendor, "through": None if through is None else at(through)}
        self._insert("coverage", self._place("applications") | {"at": at(hour), "input_set": 1} | told)

    def ask(self, name: str, *towns: str, **given: str) -> list[dict[str, Any]]:
        query = named_query(name)
        told = {key: f"{value}Z" if key in ("from", "to", "at") else value for key, value in given.items()}
        sql, values = query.bound(told, towns)
        return [dict(zip(query.columns, row, strict=True)) for row in self.store.query(sql, values)]

    def _place(self, topic: str) -> dict[str, Any]:
        return {"log_id": topic, "topic": topic, "partition": 0, "offset": self.offset, "lo": 0, "hi": 9, "cut_at": at(READ_TO)}

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        values = ", ".join("NULL" if value is None else f"'{value}'" for value in row.values())
        self.store.command(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})")


@pytest.fixture
def history(open_store: Callable[[], Store]) -> History:
    store = open_store()
    store.migrate(read_migrations())
    return History(store)


def only(rows: Iterable[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_open_hops_by_holder_and_age(history: History) -> None:
    history.hop("a", READ_TO - 48)
    history.hop("b", READ_TO - 24)
    history.hop("c", READ_TO - 1)
    history.hop("d", READ_TO - 12, READ_TO)
    history.hop("e", READ_TO - 6, hop="issue", holder="j-lis", supervisor="minister")

    rows = history.ask("open_now", SOKA)

    shown = only(rows, "holder", "party", "supervisor", "hop", "people", "beyond_limit", "median_days", "longest_days")
    assert shown == [("vendor", "plaza", "none", "upload", 3, 2, 1.0, 2.0), ("j-lis", "", "minister", "issue", 1, 1, 0.2, 0.2)]
    assert only(history.ask("open_now", SOKA, hop="issue"), "holder") == [("j-lis",)]


def test_what_is_open_still_counts_in_how_long_a_hop_takes(history: History) -> None:
    """Of five, one is left over by 0.8 after the first hour, 0.6 after the second; three have been known for three hours, of two
    that are known for four one ends then: 0.3."""
    for person, hours in (("a", 1), ("b", 2), ("c", 4)):
        history.hop(person, 100, 100 + hours)
    history.hop("d", READ_TO - 10)
    history.hop("e", READ_TO - 3)
    history.hop("f", 100, state="undetermined", closed_before=at(150))
    history.hop("g", 100, 101, state="void")

    (row,) = history.ask("hop_times", SOKA, hop="upload")

    assert only([row], "own", "by_value", "people", "closed", "open", "undetermined") == [(1, "plaza", 6, 3, 2, 1)]
    assert only([row], "naive_median_h", "median_h", "naive_p90_h", "p90_h") == [(2.0, 4.0, 4.0, None)]
    assert row["late_share"] == 0.5  # late: 4 hours, and 10 hours open; in time: 1 and 2; 3 hours open: not known


def test_a_comparison_shows_of_other_towns_only_what_ten_people_are_behind(history: History) -> None:
    for number in range(10):
        history.hop(f"many-{number}", 10, 12, vendor="tokiwa", kiosk_municipality=CHIYODA, residence_municipality=CHIYODA)
    for number in range(9):
        history.hop(f"few-{number}", 10, 12, vendor="depot", kiosk_municipality=CHIYODA, residence_municipality=CHIYODA)
    history.hop("mine", 10, 12, kiosk_municipality=CHIYODA)
    history.hop("also-mine", 10, 12, residence_municipality=CHIYODA)

    seen = only(history.ask("hop_times", SOKA, hop="upload"), "own", "by_value", "people", "closed", "median_h")
    assert seen == [(1, "plaza", 2, 2, 2.0), (0, "depot", None, None, None), (0, "tokiwa", 10, 10, 2.0)]
    seen = only(history.ask("hop_times", EVERYWHERE, hop="upload"), "own", "by_value", "people", "median_h")
    assert sorted(seen) == [(1, "depot", 9, 2.0), (1, "plaza", 2, 2.0), (1, "tokiwa", 10, 2.0)]


def test_vendors_are_compared_in_the_same_weeks_and_in_towns_of_about_the_same_size(history: History) -> None:
    """In the week in which both are, 5 of 10 are late against 2 of 10: 2.5 times as many, with a spread of 0.5 ** 0.5 in its logarithm."""
    for number in range(10):
        history.hop(f"a{number}", 10, 20 if number < 5 else 12)
        history.hop(f"b{number}", 10, 20 if number < 2 else 12, vendor="tokiwa")
    for number in range(5):
        history.hop(f"c{number}", 200, 210)  # a week later, where there is nobody else
    history.hop("d", 10, state="undetermined", closed_before=at(20))

    rows = history.ask("vendors_alike", SOKA, hop="upload")

    assert only(rows, "vendor", "people", "known", "late", "compared") == [("plaza", 15, 15, 10, 10), ("tokiwa", 10, 10, 2, 10)]
    assert only(rows, "ratio", "at_least", "at_most", "undetermined") == [(2.5, 0.63, 10.0, 1), (0.4, 0.1, 1.6, 0)]
    assert only(history.ask("vendors_alike", SOKA, hop="upload", **{"from": at(100)}), "vendor", "ratio") == [("plaza", None)]
    assert only(history.ask("vendors_alike", CHIYODA, hop="upload"), "people", "late") == [(15, 10), (10, 2)]


def test_kiosks_are_told_from_one_another_only_where_there_are_enough(history: History) -> None:
    for number in range(20):
        history.hop(f"a{number}", 10, 12 if number < 15 else 20)
    for number in range(19):
        history.hop(f"b{number}", 10, 20, kiosk="plaza-2")
    history.hop("c", 10, state="undetermined")

    rows = history.ask("worst_kiosks", SOKA)

    named = ("kiosk", "vendor", "kiosk_municipality", "undetermined", "hops", "late", "share")
    assert only(rows, *named) == [("plaza-1", "plaza", SOKA, 1, 20, 5, 0.25)]
    assert only(rows, "at_least", "at_most") == [(0.1119, 0.4687)]  # Wilson, 5 of 20
    assert only(history.ask("worst_kiosks", SOKA, least="19"), "kiosk") == [("plaza-2",), ("plaza-1",)]
    assert history.ask("worst_kiosks", SOKA, **{"from": at(10.1)}) == []


def test_whom_one_cause_has_hit(history: History) -> None:
    history.hop("a", 10, 34)
    history.hop("b", 20, residence_municipality=YOKOHAMA, kiosk_municipality=CHIYODA)
    history.hop("c", 30, 31)
    history.hop("d", 30, 80, kiosk="plaza-2")

    rows = history.ask("who_was_hit", SOKA, kiosk="plaza-1")

    named = ("residence_municipality", "own", "people", "open", "longest_days")
    assert only(rows, *named) == [(SOKA, 1, 1, 0, 1.0), (YOKOHAMA, 0, None, None, None)]
    assert only(history.ask("who_was_hit", EVERYWHERE, kiosk="plaza-1"), "people", "open") == [(1, 0), (1, 1)]
    assert history.ask("who_was_hit", SOKA, kiosk="plaza-1", to=at(5)) == []


def test_what_was_held_by_cause_and_the_numbers_beside_it(history: History) -> None:
    history.hop("a", 10, 34)
    history.hop("b", 20)
    history.hop("c", 30, 31)
    history.hop("d", 30, 78, kiosk="plaza-2")
    history.hop("e", 40, state="undetermined", closed_before=at(41))
    history.hop("f", 50, 51, attempt=2)

    named = ("kiosk", "people", "open", "longest_days", "person_days", "supervisor")
    assert only(history.ask("causes", SOKA), *named) == [("plaza-1", 2, 1, 9.2, 10.2, "none"), ("plaza-2", 1, 0, 2.0, 2.0, "none")]
    (first, second) = history.ask("causes", SOKA)
    assert (first["last"], second["noticed"] - second["first"]) == (None, timedelta(hours=LIMIT))
    assert only(history.ask("causes", SOKA, to=at(15)), "people") == [(1,)]

    counted = ("begun", "returned", "held", "held_still", "undetermined")
    assert only(history.ask("numbers", SOKA), *counted) == [(5, 1, 3, 1, 1)]
    assert only(history.ask("numbers", SOKA, **{"from": at(35)}), *counted) == [(1, 1, 2, 1, 1)]


def test_a_timeline_has_what_happened_in_order_and_when_it_was_known(history: History) -> None:
    history.hop(A, 1)
    history.hop(B, 1, kiosk_municipality=CHIYODA, residence_municipality=CHIYODA)
    history.event(A, "application.uploaded", 1, heard=30)
    history.event(A, "application.submitted", 0)
    history.event(B, "application.submitted", 0)
    history.said(A, 1, "raised", 4)

    rows = history.ask("timeline", SOKA, token=A)

    what = [("application.submitted", "plaza"), ("application.uploaded", "plaza"), ("raised notice", "vendor")]
    assert only(rows, "what", "who") == what
    assert [(row["known_at"] - row["at"]).total_seconds() / 3_600 for row in rows] == [0, 29, 0]
    assert history.ask("timeline", SOKA, token=B) == []
    assert len(history.ask("timeline", CHIYODA, token=B)) == 1


def test_what_was_known_then_is_not_what_is_known_now(history: History) -> None:
    history.said("a", 1, "raised", 4)
    history.said("a", 2, "escalated", 10, level="breach")
    history.said("a", 3, "retracted", 20)
    history.said("b", 1, "raised", 4)
    history.said("b", 2, "cleared", 6)

    def known(hour: float) -> list[tuple[Any, ...]]:
        return only(history.ask("known_at", SOKA, at=at(hour)), "hop", "level", "people", "retracted_since")

    assert known(3) == []
    assert known(5) == [("upload", "notice", 2, 1)]
    assert known(7) == [("upload", "notice", 1, 1)]
    assert known(15) == [("upload", "breach", 1, 1)]
    assert known(25) == []
    assert only(history.ask("known_at", SOKA, at=at(5), kiosk="plaza-1", vendor="plaza", hop="upload"), "people") == [(2,)]
    for elsewhere in ({"kiosk": "plaza-2"}, {"vendor": "tokiwa"}, {"hop": "forward"}):
        assert history.ask("known_at", SOKA, at=at(5), **elsewhere) == []


def test_time_where_nobody_supervises_adds_up(history: History) -> None:
    history.hop("a", READ_TO - 48)
    history.hop("b", 0, 24)
    history.hop("c", 0, state="undetermined", closed_before=at(12))
    history.hop("d", 0, 24, hop="issue", holder="j-lis", supervisor="minister")

    named = ("supervisor", "hop", "people", "person_days", "of_undetermined", "longest_days")
    assert only(history.ask("unsupervised", SOKA), *named) == [
        ("none", "upload", 3, 3.5, 0.5, 2.0),
        ("minister", "issue", 1, 1.0, 0.0, 1.0),
    ]
    until = history.ask("unsupervised", SOKA, to=at(12))
    assert only(until, "supervisor", "person_days") == [("none", 1.0), ("minister", 0.5)]


def test_attempts_and_how_far_each_comes(history: History) -> None:
    history.hop("a", 0, 1)
    history.hop("b", 0, 1)
    history.offset += 10
    history.hop("c", 5)

    named = ("attempt", "hop", "people", "of_first", "ended", "open", "undetermined")
    assert only(history.ask("attempts", SOKA), *named) == [(1, "upload", 3, 1.0, 2, 1, 0)]
    assert only(history.ask("attempts", SOKA, to=at(3)), *named) == [(1, "upload", 2, 1.0, 2, 0, 0)]


def test_an_application_is_found_by_what_is_known_at_the_counter(history: History) -> None:
    history.hop(A, 0, 2)
    history.hop(A, 2, hop="forward", too=True)
    history.hop(B, 30, 31, last4="1234", kiosk="plaza-2")
    history.hop("c", 0, kiosk_municipality=CHIYODA, residence_municipality=CHIYODA)

    named = ("token", "last4", "kiosk", "handed_in_at", "open_hop", "holder", "state", "since")
    assert only(history.ask("find", SOKA), *named) == [
        (B, "1234", "plaza-2", hours(30), "upload", "vendor", "in_time", hours(30)),
        (A, "0000", "plaza-1", hours(0), "forward", "vendor", "open", hours(2)),
    ]
    assert only(history.ask("find", SOKA, last4="1234"), "token") == [(B,)]
    assert only(history.ask("find", SOKA, kiosk="plaza-1", to=at(1)), "token") == [(A,)]
    assert history.ask("find", SOKA, **{"from": at(31)}) == []


def test_days_have_how_many_entered_and_how_long_they_took(history: History) -> None:
    history.hop("a", 0, 1)
    history.hop("b", 1, 5)
    history.hop("c", 14.5)  # in Japan, the next day begins at 15:00 UTC
    history.hop("d", 14.9, state="undetermined")
    history.hop("e", 15, 17)
    history.hop("f", 15, state="void")

    named = ("day", "vendor", "kiosk", "entered", "ended", "open", "undetermined", "beyond_limit", "median_h", "p90_h")
    rows = [(str(row[0]), *row[1:]) for row in only(history.ask("hop_days", SOKA), *named)]
    assert rows == [
        ("2026-04-01", "plaza", "plaza-1", 4, 2, 1, 1, 2, 4.0, 4.0),
        ("2026-04-02", "plaza", "plaza-1", 1, 1, 0, 0, 0, 2.0, 2.0),
    ]
    assert only(history.ask("hop_days", SOKA, to=at(1)), "entered") == [(1,)]
    assert history.ask("hop_days", SOKA, hop="forward") == []


def test_hours_have_how_much_came_and_went_and_is_open(history: History) -> None:
    history.hop("a", 0, 1.5)
    history.hop("b", 0.5)
    history.hop("c", 1, 1.2)
    history.hop("d", 1, state="undetermined")
    history.hop("e", 4, holder="applicant")

    def asked(**given: str) -> list[tuple[Any, ...]]:
        return only(history.ask("open_hours", SOKA, **given), "hour", "holder", "came", "went", "open")

    assert asked() == [
        (hours(0), "vendor", 2, 0, 2),
        (hours(1), "vendor", 1, 2, 1),
        (hours(4), "applicant", 1, 0, 1),
    ]
    assert asked(**{"from": at(1.3), "to": at(4)}) == [(hours(1), "vendor", 2, 1, 1)]
    assert asked(vendor="tokiwa") == []


def test_days_have_what_was_said_of_stalls(history: History) -> None:
    history.said("a", 1, "raised", 3)
    history.said("a", 2, "escalated", 6)
    history.said("a", 3, "cleared", 16)
    history.said("b", 1, "raised", 14)
    history.said("b", 2, "retracted", 15)
    history.said("c", 1, "recorded", 2)

    named = ("day", "hop", "holder", "vendor", "raised", "escalated", "cleared", "recorded", "retracted")
    rows = [(str(row[0]), *row[1:]) for row in only(history.ask("stall_days", SOKA), *named)]
    assert rows == [
        ("2026-04-01", "upload", "vendor", "plaza", 2, 1, 0, 1, 0),
        ("2026-04-02", "upload", "vendor", "plaza", 0, 0, 1, 0, 1),
    ]


def test_what_was_handed_in_and_has_not_come(history: History) -> None:
    for person in "cba":
        history.hop(person, 1 if person != "c" else 15)  # in Japan, the next day begins at 15:00 UTC
    history.hop("a", 9, hop="screening", too=True)

    rows = history.ask("reconciliation", SOKA)

    named = ("kiosk", "people", "came", "missing", "overdue", "longest_days")
    assert [(str(row["day"]), *only([row], *named)[0]) for row in rows] == [
        ("2026-04-01", "plaza-1", 2, 1, 1, 1, 10.0),
        ("2026-04-02", "plaza-1", 1, 0, 1, 1, 9.4),
    ]
    assert only(history.ask("reconciliation", SOKA, within_h="230"), "missing", "overdue") == [(1, 1), (1, 0)]


def test_a_feed_that_was_not_read_is_unknown_and_never_well(history: History) -> None:
    for hour in (1, 2, 3, 4):
        history.looked(hour, "kiosk-events.plaza", hour - 0.01, "plaza")
        history.looked(hour, "kiosk-events.plaza", hour - 0.01 if hour < 3 else 2, "plaza", partition=1)
        history.looked(hour, "kiosk-events.tokiwa", None, "tokiwa")
        history.looked(hour, "jlis-events", hour)

    rows = history.ask("coverage", SOKA)

    assert only(rows, "vendor", "feed", "looked", "unread", "behind", "behind_share", "longest_behind_h") == [
        ("tokiwa", "kiosk-events.tokiwa", 4, 4, 0, 1.0, None),
        ("plaza", "kiosk-events.plaza", 4, 0, 2, 0.5, 2.0),
        ("", "jlis-events", 4, 0, 0, 0.0, 0.0),
    ]
    assert [row["read_through"] for row in rows] == [None, hours(2), hours(4)]
    assert {row["longest_unseen_h"] for row in rows} == {READ_TO - 4}
    assert {row["longest_unseen_h"] for row in history.ask("coverage", SOKA, to=at(4.5))} == {1.0}
    assert only(history.ask("coverage", SOKA, to=at(2.5)), "vendor", "unread") == [("tokiwa", 2), ("", 0), ("plaza", 0)]


@pytest.mark.parametrize(
    ("towns", "given", "text"),
    [
        ((), {}, "for which municipality?"),
        (("112217",), {}, "'112217' is no municipality's code"),
        (("all", SOKA), {}, "'all' is no municipality's code"),
        (("112216') OR 1 --",), {}, "is no municipality's code"),
        ((SOKA,), {"hops": "x"}, "open_now has no parameter hops: hop, apart it has"),
    ],
)
def test_a_question_that_cannot_be_asked_so_is_a_sentence(towns: tuple[str, ...], given: dict[str, str], text: str) -> None:
    with pytest.raises(QueryError, match=text.replace("?", r"\?").replace("(", r"\(").replace(")", r"\)")):
        named_query("open_now").bound(given, towns)


def test_what_a_caller_says_is_never_sql(history: History) -> None:
    history.hop("a", 1)
    assert history.ask("open_now", SOKA, hop="' OR 1 --") == []
    with pytest.raises(QueryError, match="token: expected"):
        history.ask("timeline", CHIYODA, token="a' OR '1' = '1")
    with pytest.raises(QueryError, match="by: expected vendor"):
        history.ask("hop_times", CHIYODA, hop="upload", by="sex")


@pytest.mark.parametrize("text", ["2026-04-01T09:00:00", "2026-04-31", "yesterday", ""])
def test_an_instant_without_an_offset_is_none(text: str) -> None:
    with pytest.raises(QueryError, match="expected an instant with an offset"):
        named_query("known_at").bound({"at": text}, [SOKA])


def test_a_day_begins_at_midnight_in_japan() -> None:
    asked = [named_query("known_at").bound({"at": text}, [SOKA])[1]["at"] for text in ("2026-04-01", "2026-03-31T15:00:00Z")]
    assert asked == ["1774969200.000000"] * 2


def test_of_whom_few_are_elsewhere_those_few_cannot_be_had_by_subtraction(history: History) -> None:
    elsewhere = {"kiosk_municipality": CHIYODA, "residence_municipality": CHIYODA}
    for number in range(12):
        history.hop(f"mine-{number}", 10, 12)
        history.hop(f"theirs-{number}", 10, 12, vendor="tokiwa", **elsewhere)
    for number in range(3):
        history.hop(f"few-{number}", 10, 20, **elsewhere)

    seen = only(history.ask("vendors_alike", SOKA, hop="upload"), "vendor", "own", "people", "late")
    assert sorted(seen) == [("plaza", 1, 12, 0), ("tokiwa", 0, 12, 0)]


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT token FROM hops_now", "reads hops_now"),
        ("SELECT token FROM my_hops JOIN events USING (token)", "reads events"),
        ("SELECT vendor FROM every_hop", "has columns own and people"),
        ("SELECT token FROM my_hops, hops_now", "joins with a comma"),
        ("SELECT token FROM my_hops AS h, hops_now", "joins with a comma"),
        ("SELECT token FROM my_hops WHERE token IN hops_now", "reads hops_now"),
        ("SELECT token FROM url('http://127.0.0.1/', 'CSV')", "reads url"),
        ("SELECT token FROM my_hops WHERE token IN {t:Identifier}", "cannot be a table's name"),
    ],
)
def test_a_query_cannot_be_written_past_the_layer(tmp_path: Path, sql: str, text: str) -> None:
    (tmp_path / "past.sql").write_text(f"-- What: x\n-- Column token: x\n-- Order: token\n{sql}\n")
    with pytest.raises(QueryError, match=f"past.sql: .*{text}"):
        read_queries(tmp_path)


def test_every_query_answers_of_an_empty_history(history: History) -> None:
    given = {"hop": "upload", "token": A, "kiosk": "x", "at": at(0), "vendor": "plaza", "criterion": "in_time"}
    for name, query in read_queries().items():
        asked = {parameter.name: given[parameter.name] for parameter in query.parameters if parameter.default is None}
        assert name == "numbers" or history.ask(name, SOKA, **asked) == [], name
