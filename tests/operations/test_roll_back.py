"""A roll back, as docs/operations.md says, on Apache Kafka: what is there afterwards."""

import shutil

import confluent_kafka as ck
import msgspec
import pytest

from schemas.codec import decode_application, encode_application
from schemas.records import NEWEST, TOKEN_LENGTH
from streams.connection import kafka
from streams.export import read_log
from streams.run_file import SetUpError
from tests.operations.house import APPLICATIONS, FIRST, SECOND, STALL_EVENTS, STALLS, Box, content, delete_topics
from tests.versions.running import committed, custody_of, judged

pytestmark = pytest.mark.kafka


def test_a_release_that_cannot_read_the_ledger_says_so_and_judges_again_from_the_log(box: Box) -> None:
    with box.running() as set_up:
        box.send(set_up, box.applications(FIRST))
        content(set_up, FIRST)
        said = committed(set_up.settings)
    with box.running(stages=()) as set_up:
        # A newer release had run: of one application it left a record that this release must not misread
        ledger = list(read_log(set_up.settings, APPLICATIONS))
        message = next(message for message in ledger if len(message.key() or b"") == TOKEN_LENGTH)
        newer = msgspec.structs.replace(decode_application(message.value() or b""), version=NEWEST + 1)
        producer = ck.Producer(kafka(set_up.settings))
        producer.produce(APPLICATIONS, encode_application(newer), message.key(), message.partition() or 0)
        assert producer.flush(30) == 0

    # Rolled back: the watch ends with a sentence. What is sent meanwhile waits
    with pytest.raises(SetUpError), box.running(stages=("watch",)):
        pass
    sentence = f"has version {NEWEST + 1}, and this release reads them up to version {NEWEST}"
    assert sentence in (box.folder / "logs" / "watch.log").read_text()
    with box.running(stages=()) as set_up:
        box.send(set_up, box.applications(SECOND))
        # As the document says: all that follows from custody-log goes, and is made again
        delete_topics(set_up.settings, APPLICATIONS, STALL_EVENTS, STALLS)
    shutil.rmtree(box.folder / "history")
    with box.running() as set_up:
        content(set_up, FIRST + SECOND)
        again = committed(set_up.settings)
        judge = judged(box.policies, custody_of(set_up.settings))
    assert {number: again[number][: len(lines)] for number, lines in said.items()} == said  # to the byte
    assert all(judge[number][: len(lines)] == lines for number, lines in again.items())
