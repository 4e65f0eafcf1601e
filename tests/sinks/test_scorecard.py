"""The scorecard: figures worked out by hand, each with its cases; and that silence never beats honesty."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse import Store
from sinks.migrate import read_migrations
from sinks.named_queries import read_queries
from tests.sinks.test_named_queries import READ_TO, SOKA, History, at, only

OF_HOPS = {"in_time", "observed", "not_held", "median_h", "p90_h", "longest_days", "consistent"}


class Filled(History):
    """Writes its rows all at once, when it is asked."""

    def __init__(self, store: Store) -> None:
        self.rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        super().__init__(store)

    def ask(self, name: str, *towns: str, **given: str) -> list[dict[str, Any]]:
        for (table, columns), rows in self.rows.items():
            self.store.command(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join(rows)}")
        self.rows = {}
        return super().ask(name, *towns, **given)

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        values = ", ".join("NULL" if value is None else f"'{value}'" for value in row.values())
        self.rows.setdefault((table, tuple(row)), []).append(f"({values})")


@pytest.fixture
def history(chdb_folder: Path, database: str) -> Iterator[History]:
    store = Store.in_folder(chdb_folder, database)
    store.migrate(read_migrations())
    yield Filled(store)
    store.close()


def read_well(history: History, *vendors: str, looks: int = 100) -> None:
    """Every feed was read up to the moment, whenever it was looked at."""
    for number in range(looks):
        hour = READ_TO - looks + number
        history.looked(hour, "jlis-events", hour)
        for vendor in vendors:
            history.looked(hour, f"kiosk-events.{vendor}", hour, vendor)


def card(history: History, **given: str) -> dict[str, dict[str, Any]]:
    """Criterion -> its row."""
    return {row["criterion"]: row for row in history.ask("scorecard", SOKA, **{"vendor": "plaza", **given})}


def twenty(history: History) -> None:
    """Sixteen in time, an hour each; two late, of five hours; one open beyond its limit; one whose end was not observed."""
    for number in range(16):
        history.hop(f"good-{number}", 100, 101)
    history.hop("late-1", 100, 105)
    history.hop("late-2", 100, 105, flags=r"[\'conflict\']")
    history.hop("held", READ_TO - 48)
    history.hop("untold", 100, state="undetermined", closed_before=at(110))


def test_each_figure_of_twenty_applications_is_as_worked_out_by_hand(history: History) -> None:
    read_well(history, "plaza")
    twenty(history)

    rows = card(history)

    assert {name: (row["state"], row["value"], row["hits"], row["cases"], row["undetermined"]) for name, row in rows.items()} == {
        "feed_read": ("measured", 1.0, 100, 100, 0),
        "in_time": ("measured", 0.8, 16, 20, 1),
        "observed": ("unknown", None, 18, 19, 1),
        "not_held": ("measured", 0.95, 19, 20, 0),
        "median_h": ("measured", 1.0, None, 20, 1),
        "p90_h": ("unknown", None, None, 20, 1),
        "longest_days": ("measured", 2.0, None, 20, 1),
        "consistent": ("measured", 0.95, 19, 20, 0),
        "claims": ("unknown", None, 0, 0, 0),
        "inspection_technical": ("unknown", None, None, 0, 0),
        "inspection_financial": ("unknown", None, None, 0, 0),
    }
    assert {name: row["why"] for name, row in rows.items() if row["why"]} == {
        "observed": "few",  # one is open still: 19 have ended
        "p90_h": "few",
        "claims": "few",
        "inspection_technical": "never",
        "inspection_financial": "never",
    }
    assert only([rows["in_time"]], "at_least", "at_most") == [(0.584, 0.9193)]  # Wilson, 16 of 20
    assert card(history, least_p90="20")["p90_h"]["value"] == 5.0  # after an hour a fifth is left over, after five a tenth


def test_the_evidence_of_each_figure_lists_exactly_its_cases(history: History) -> None:
    read_well(history, "plaza")
    history.looked(1, "kiosk-events.plaza", 0, "plaza")  # behind by an hour
    twenty(history)
    claim(history, "good-1", 101, 102)

    for row in card(history).values():
        if row["evidence"]:
            listed = ask(history, row["evidence"], row["evidence_parameters"])
            found = [case.get("counts") or case.get("found") or case["became"] for case in listed]
            assert len(found) == row["cases"], row
            assert row["hits"] in (None, sum(word in {"for", "read", "borne_out"} for word in found)), row


def ask(history: History, name: str, given: dict[str, str]) -> list[dict[str, Any]]:
    """As the scorecard says that it is to be asked."""
    query = read_queries()[name]
    sql, values = query.bound(given, [SOKA])
    return [dict(zip(query.columns, row, strict=True)) for row in history.store.query(sql, values)]


def claim(history: History, person: str, said: float, came: float | None) -> None:
    history.event(person, "application.forwarded", said)
    if came is not None:
        history.event(person, "application.received", came)


@pytest.mark.parametrize("was", ["good", "late"])
def test_an_end_that_is_not_told_never_improves_a_figure(history: History, was: str) -> None:
    """Who had told would have looked no worse."""
    read_well(history, "plaza")
    for number in range(24):
        history.hop(f"h{number}", 100, 101 if number < 15 else 106)
    told = card(history)
    changed = {"good": "h0", "late": "h23"}[was]

    history.hop(changed, 100, state="undetermined", closed_before=at(107))
    silent = card(history)

    assert silent["in_time"]["undetermined"] == 1
    for name in ("in_time", "observed"):
        assert silent[name]["value"] <= told[name]["value"]
        assert silent[name]["at_least"] <= told[name]["at_least"]
        assert silent[name]["at_most"] <= told[name]["at_most"]
    assert silent["median_h"]["value"] >= told["median_h"]["value"]
    assert silent["longest_days"]["value"] >= told["longest_days"]["value"]


def test_with_many_ends_untold_nothing_is_said_but_what_is_known_is_shown(history: History) -> None:
    read_well(history, "plaza")
    for number in range(28):
        history.hop(f"h{number}", 100, 106)
    for number in range(2):
        history.hop(f"u{number}", 100, state="undetermined", closed_before=at(101))

    rows = card(history)

    assert only([rows["in_time"], rows["median_h"]], "state", "why", "value", "hits", "cases", "undetermined") == [
        ("unknown", "undetermined", None, 0, 30, 2),
        ("unknown", "undetermined", None, None, 30, 2),
    ]
    assert rows["observed"]["value"] == 0.9333  # 28 of 30: how much is told is itself a figure


@pytest.mark.parametrize("missing", ["own", "shared", "no shared one", "unread", "all"])
def test_a_feed_that_is_not_read_makes_what_rests_on_it_unknown(history: History, missing: str) -> None:
    looks = 0 if missing == "all" else 120
    for hour in range(READ_TO - looks, READ_TO):
        own = hour if hour < READ_TO - 10 else READ_TO - 10  # behind by more and more
        through = {"own": own, "unread": None if hour > READ_TO - 20 else hour}.get(missing, hour)
        history.looked(hour, "kiosk-events.plaza", through, "plaza")
        if missing != "no shared one":
            history.looked(hour, "jlis-events", own if missing == "shared" else hour)
    twenty(history)

    rows = card(history)

    assert {rows[name]["why"] for name in OF_HOPS | {"claims"}} == {"feed"}
    assert {rows[name]["value"] for name in OF_HOPS} == {None}
    feed = {"own": (111, 120, 0.925), "unread": (101, 120, 0.8417), "all": (0, 0, None)}
    assert only([rows["feed_read"]], "hits", "cases", "value") == [feed.get(missing, (120, 120, 1.0))]


def test_where_too_many_are_open_to_tell_a_median_is_unknown(history: History) -> None:
    read_well(history, "plaza")
    for number in range(20):
        history.hop(f"h{number}", READ_TO - 2, READ_TO - 1 if number < 9 else None)

    assert only([card(history)["median_h"]], "state", "why", "cases") == [("unknown", "open", 20)]


def test_a_vendor_of_which_nothing_is_heard_has_a_card_on_which_nothing_is_good(history: History) -> None:
    register = json.dumps({"vendors": ["tokiwa"], "hops": ["upload", "forward"]})

    rows = history.ask("scorecard", SOKA, register=register)

    assert {row["vendor"] for row in rows} == {"tokiwa"}
    assert len(rows) == 2 * len(OF_HOPS) + 4
    assert {(row["state"], row["value"]) for row in rows} == {("unknown", None)}


@pytest.mark.parametrize(
    ("entries", "state", "why", "value"),
    [
        ([], "unknown", "never", None),
        ([("2026-01-10", "2027-01-09", "passed")], "measured", "", 1.0),
        ([("2026-01-10", "2027-01-09", "failed")], "measured", "", 0.0),
        ([("2025-01-10", "2026-04-10", "passed")], "unknown", "overdue", None),  # history has been read up to 11 April
        ([("2025-01-10", "2026-04-11", "passed")], "measured", "", 1.0),
        ([("2025-01-10", "2027-01-09", "failed"), ("2026-02-01", "2027-01-31", "passed")], "measured", "", 1.0),
        ([("2026-04-12", "2027-04-12", "passed")], "unknown", "never", None),
    ],
)
def test_an_inspection_counts_while_it_is_valid(
    history: History, entries: list[tuple[str, str, str]], state: str, why: str, value: float | None
) -> None:
    told = [{"vendor": "plaza", "kind": "technical", "day": on, "valid_until": until, "result": result} for on, until, result in entries]

    rows = card(history, register=json.dumps({"vendors": ["plaza"], "inspections": told}))

    assert only([rows["inspection_technical"]], "state", "why", "value") == [(state, why, value)]
    assert rows["inspection_financial"]["why"] == "never"


def test_a_word_that_something_was_sent_is_measured_by_what_has_come(history: History) -> None:
    """Eighteen came within the day, one after it, one never; of one it cannot be said yet."""
    read_well(history, "plaza")
    for number in range(21):
        history.hop(f"p{number}", 0, 1)
    for number in range(18):
        claim(history, f"p{number}", 10, 12)
    claim(history, "p18", 10, 35)
    claim(history, "p19", 10, None)
    claim(history, "p20", READ_TO - 5, None)

    rows = card(history)

    assert only([rows["claims"]], "state", "value", "hits", "cases") == [("measured", 0.9, 18, 20)]
    listed = ask(history, "claims", rows["claims"]["evidence_parameters"])
    assert only(listed, "token", "became")[:2] == [("p18", "not_borne_out"), ("p19", "not_borne_out")]
    assert [row["token"] for row in listed if row["became"] == "pending"] == ["p20"]


def test_a_town_sees_a_card_of_its_own_applications(history: History) -> None:
    read_well(history, "plaza", "tokiwa")
    twenty(history)
    for number in range(20):
        history.hop(f"t{number}", 100, 109, vendor="tokiwa", kiosk_municipality="131016", residence_municipality="131016")

    assert {row["vendor"]: row["cases"] for row in history.ask("scorecard", SOKA) if row["criterion"] == "in_time"} == {
        "plaza": 20,
        "tokiwa": 0,
    }
    everywhere = {row["vendor"]: row["value"] for row in history.ask("scorecard", "all") if row["criterion"] == "in_time"}
    assert everywhere == {"plaza": 0.8, "tokiwa": 0.0}


def test_what_began_before_or_after_is_on_another_card(history: History) -> None:
    read_well(history, "plaza")
    twenty(history)

    assert card(history, to=at(101))["in_time"]["cases"] == 19
    assert card(history, **{"from": at(101)})["in_time"]["cases"] == 1
