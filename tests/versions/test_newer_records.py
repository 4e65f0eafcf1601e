"""An older worker meets a record that a newer release wrote: it ends with a clear sentence, and never misreads it."""

import msgspec
import pytest

from schemas.codec import decode_application, encode_application
from schemas.records import NEWEST, Application, Applied, Contribution
from schemas.stored import NewerRecord, Stored, decode_stored, encode_stored, pack
from sinks.history import KnownHops
from sinks.rows import Applications
from streams.partition import Batch, Partition
from tests.streams.story import MY_NUMBER, Story

CONTRIBUTION = Contribution(b"8 bytes.", b"8 bytes.", "card.issued", 1, 2, "j-lis", "j-lis", None, None, None)
RECORD = Application(last4="0001", contributions=(CONTRIBUTION,))
NEWER = f"has version {NEWEST + 1}, and this release reads them up to version {NEWEST}"


def newer(record: Application = RECORD) -> bytes:
    return encode_application(msgspec.structs.replace(record, version=NEWEST + 1))


def of_another_shape() -> bytes:
    """What no field of today's fits."""
    return msgspec.msgpack.encode([NEWEST + 1, {"last4": "0001"}, 7, "hops"])


def test_a_record_that_fits_is_not_read_if_a_newer_release_wrote_it() -> None:
    with pytest.raises(NewerRecord, match=NEWER):
        decode_application(newer())


def test_a_record_that_does_not_fit_is_told_from_one_that_is_broken() -> None:
    with pytest.raises(NewerRecord, match=NEWER):
        decode_application(of_another_shape())
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int . null`"):
        decode_application(msgspec.msgpack.encode([NEWEST, "0001", 7]))
    with pytest.raises(msgspec.ValidationError, match="Expected `int`"):
        decode_application(msgspec.msgpack.encode(["2", "0001"]))
    with pytest.raises(msgspec.DecodeError):
        decode_application(newer()[:-3])


def test_the_sentence_quotes_nothing_of_the_record() -> None:
    for stored in (newer(), of_another_shape()):
        with pytest.raises(NewerRecord) as refused:
            decode_application(stored)
        assert "0001" not in str(refused.value)
        assert refused.value.__cause__ is None


def test_a_record_of_an_earlier_release_has_the_defaults_of_what_was_added() -> None:
    """Each field at the end may be missing."""
    record = pack(RECORD)
    whole = msgspec.msgpack.decode(encode_stored(record))
    for length in range(len(whole) + 1):
        kept = {name: getattr(record, name) for name in Stored.__struct_fields__[:length]}
        assert decode_stored(msgspec.msgpack.encode(whole[:length])) == Stored(**kept)


def plain(record: Application) -> bytes:
    """As the first version kept it: the plain array of the fields up to the marker."""
    first = msgspec.structs.replace(record, version=1)
    return msgspec.msgpack.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(first))[:9])


def test_a_record_of_the_first_version_is_read_whole() -> None:
    assert decode_application(plain(RECORD)) == msgspec.structs.replace(RECORD, version=1)


def test_a_record_with_very_many_names_keeps_them_all() -> None:
    told = tuple(msgspec.structs.replace(CONTRIBUTION, event=number.to_bytes(8), kiosk=f"k{number}") for number in range(300))
    record = msgspec.structs.replace(RECORD, contributions=told)
    assert decode_application(encode_application(record)) == record


def test_rows_that_are_cut_off_or_name_what_is_not_there_are_no_record() -> None:
    record = pack(RECORD)
    for broken in (msgspec.structs.replace(record, rows=record.rows[:-1]), msgspec.structs.replace(record, names={})):
        with pytest.raises(msgspec.ValidationError, match="cannot be read"):
            decode_application(encode_stored(broken))


def test_an_application_of_the_first_version_is_due_and_goes_on_its_way() -> None:
    story = Story()
    story.plaza("application.uploaded", "2026-04-01 10:00")
    partition = Partition(MY_NUMBER, 0)
    partition.restore({story.token.encode(): plain(story.record)}, Applied())

    assert Batch(partition).first_due() == story.log.batch.first_due() is not None
    story.log.partition, story.log.batch = partition, Batch(partition)
    assert story.clock("2026-04-02 10:00:01") == ["raised forward notice", "escalated forward warn"]
    assert story.jlis("application.received", "2026-04-02 11:00") == ["cleared forward warn"]
    assert story.record.way is not None


def test_fields_that_a_later_release_added_under_the_same_version_are_passed_over() -> None:
    assert decode_application(msgspec.msgpack.encode([*msgspec.msgpack.decode(encode_application(RECORD)), "added", 7])) == RECORD


@pytest.mark.parametrize("stored", [newer(), of_another_shape()], ids=["fits", "does not fit"])
def test_a_ledger_with_a_newer_record_is_not_loaded(stored: bytes) -> None:
    partition = Partition(MY_NUMBER, 0)
    with pytest.raises(NewerRecord):
        partition.restore({b"a" * 64: encode_application(RECORD), b"b" * 64: stored}, Applied())


def test_news_of_an_application_with_a_newer_record_ends_the_judging() -> None:
    """It is no fault of the event's: skipping it would lose it."""
    story = Story()
    story.log.partition.records[story.token.encode()] = newer()
    with pytest.raises(NewerRecord):
        story.plaza("application.uploaded", "2026-04-01 10:00")


@pytest.mark.parametrize("stored", [newer(), of_another_shape()], ids=["fits", "does not fit"])
def test_history_ends_at_a_newer_record_and_does_not_skip_it(stored: bytes) -> None:
    rows = Applications(KnownHops(MY_NUMBER).rows)
    skipped: list[int] = []
    with pytest.raises(NewerRecord):
        list(rows.rows([(7, b"a" * 64, stored)], skipped.append))
    assert skipped == []
