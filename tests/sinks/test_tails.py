"""One partition behind its last range, without a broker: writers that sleep, records that cannot be read."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from schemas.records import Application
from schemas.situations import situations
from sinks.clickhouse import Log, Store
from sinks.cuts import Range
from sinks.history import KnownHops
from sinks.rows import CustodyLog, Unreadable
from sinks.tails import HistoryError, Tail
from streams.policy import Policies
from tests.sinks.logs import Pair, custody_log
from tests.sinks.tables import Record
from tests.streams.story import MY_NUMBER, token_of

LOG = Log("id", "custody-log", 0)


def written(store: Store, tail: Tail, records: list[Record]) -> None:
    for record in records:
        if ended := tail.feed(record):
            cut, found = ended
            store.write(tail.log, cut, CustodyLog().rows(found, tail.unreadable))


def records(pairs: list[Pair]) -> list[Record]:
    """With a gap at every seventh offset, where a transaction's marker would be."""
    return [Record(number + number // 6, *pair) for number, pair in enumerate(pairs)]


def test_a_writer_that_slept_and_woke_adds_nothing_to_its_successors_rows(store: Store, open_store: Callable[[], Store]) -> None:
    log = records(custody_log(200))
    sleeper, successor = Tail(LOG, CustodyLog(), None), Tail(LOG, CustodyLog(), None)
    written(store, sleeper, log[:45])  # four ranges, and five records in hand

    last = open_store().last_ranges([LOG.log_id])[LOG.log_id, 0]
    successor = Tail(LOG, CustodyLog(), last)
    assert successor.start == last.hi + 1
    written(open_store(), successor, [record for record in log if record.offset >= successor.start])
    written(store, sleeper, log[45:])  # it wakes

    both = "SELECT offset FROM events UNION ALL SELECT offset FROM refusals"
    ((count, different),) = store.query(f"SELECT count(), uniqExact(offset) FROM ({both})")
    assert count == different == sum(number % 10 != 9 for number in range(200))
    assert store.query("SELECT count(), uniqExact(lo) FROM ranges") == [(20, 20)]


def test_a_record_that_cannot_be_read_is_passed_over_and_a_broken_pulse_cuts_nothing(store: Store) -> None:
    pairs = custody_log(20)
    pairs[4] = (pairs[4][0], b"{")
    pairs[9] = (b"pulse", b'{"at": "soon"}')

    written(store, Tail(LOG, CustodyLog(), None), records(pairs))

    ((lo, hi, count),) = store.query("SELECT lo, hi, records FROM ranges")
    assert (lo, hi, count) == (0, 22, 20)
    ((rows,),) = store.query("SELECT (SELECT count() FROM events) + (SELECT count() FROM refusals)")
    assert rows == 17
    with pytest.raises(Unreadable):
        CustodyLog().mark(b"pulse", pairs[9][1])


def test_a_policy_version_that_history_was_not_given_stops_it() -> None:
    raised = next(each for each in situations("records/applications") if each.name == "stall-raised")
    record = msgspec.json.decode(raised.values()[0], type=Application)
    older = Policies((replace(MY_NUMBER.newest, version="2025-1"),))

    assert KnownHops(MY_NUMBER).rows(token_of(1), record)
    with pytest.raises(HistoryError, match="the watch judged by policy version '2026-1'"):
        KnownHops(older).rows(token_of(1), record)


def test_a_log_goes_with_its_history_if_it_reaches_from_behind_it_to_its_end() -> None:
    tail = Tail(LOG, CustodyLog(), Range(10, 19, 10, 1, 5_000_000))

    tail.check(0, 20)  # the end: nothing new yet
    tail.check(20, 25)  # all that history holds is deleted
    tail.check(0, None)  # the end is not known
    with pytest.raises(HistoryError, match="the log ends before offset 19, and history holds it up to 19"):
        tail.check(0, 19)
    with pytest.raises(HistoryError, match="the log begins at offset 21, and history holds it up to 19"):
        tail.check(21, 25)
    Tail(LOG, CustodyLog(), None).check(21, 21)  # nothing is kept yet
