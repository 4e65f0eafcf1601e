"""``tairyu key``: the keys of the tokens, and a new one for new applications."""

from collections.abc import Iterable

import confluent_kafka as ck
import typer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from schemas.cards import Card, load_cards
from schemas.records import TOKEN_LENGTH
from streams.cli import app
from streams.cli.answers import Sorry
from streams.cli.running import topics_of
from streams.groups import INTAKE
from streams.key_in_use import marks_in_use
from streams.keys import RIGHT_FILE, key_marks, load_key, missing_key
from streams.keys import rotate as rotate_file
from streams.ledger_reading import read_ledger
from streams.log_reader import LogError, ends_of, partitions_in, read_to, reader
from streams.settings import Settings, load_settings
from streams.topics import TIMEOUT_S, admin_client

key = typer.Typer(no_args_is_help=True, help="The keys of the tokens.")
app.add_typer(key, name="key")


@key.command()
def rotate() -> None:
    """Make a new key for new applications; those that are known keep theirs until they are forgotten.

    Every intake is to be stopped, and stays so until the new files are on each machine that had the old one: intakes, and whoever asks
    `where`. The watch and history run on. Feeds wait meanwhile, and so do verdicts: none is invented.
    """
    settings = load_settings()
    if settings.key_file is None:
        raise Sorry("which key? Name its file in TAIRYU_KEY_FILE")
    marks = key_marks(load_key(settings.key_file))  # what is wrong with it is said before anything else
    admin = admin_client(settings)
    topics_of(admin, settings.brokers)
    if missing := missing_key(marks.values(), marks_in_use(admin)):
        raise Sorry(f"{missing}: {RIGHT_FILE}")
    _check_stopped(admin)
    tokens = known_tokens(settings, load_cards())
    new, applications = rotate_file(settings.key_file, tokens)
    print(f"key {new} is for new applications; {len(tokens)} known ones keep theirs")
    print(f"copy {settings.key_file} and {applications} to every machine that has the key, then start the intakes; keep a copy of both")


@key.command()
def show() -> None:
    """The ids of the keys in TAIRYU_KEY_FILE, oldest first, and the mark by which each is told from another. Never a key."""
    settings = load_settings()
    if settings.key_file is None:
        raise Sorry("which key? Name its file in TAIRYU_KEY_FILE")
    marks = key_marks(load_key(settings.key_file))
    for number, mark in marks.items():
        newest = number == [*marks][-1]
        print(f"{number}  {mark}  of {'all others' if newest else 'applications that were known when it was replaced'}")


def _check_stopped(admin: AdminClient) -> None:
    try:
        members = admin.describe_consumer_groups([INTAKE], request_timeout=TIMEOUT_S)[INTAKE].result(TIMEOUT_S).members
    except ck.KafkaException as error:
        if error.args[0].code() != ck.KafkaError.GROUP_ID_NOT_FOUND:
            raise
        return
    if members:
        raise Sorry(f"{len(members)} intakes run: stop them all first, or one with the old key would give an application a second token")


def _check_settled(admin: AdminClient, topic: str, partitions: Iterable[int]) -> None:
    """Nothing of a transaction that is open still comes: an intake that ended in its midst leaves one for ten seconds."""
    end: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    asked = {ck.TopicPartition(topic, number): end for number in partitions}
    committed, all_there = (
        admin.list_offsets(asked, isolation_level=level, request_timeout=TIMEOUT_S)
        for level in (ck.IsolationLevel.READ_COMMITTED, ck.IsolationLevel.READ_UNCOMMITTED)
    )
    for part in asked:
        if committed[part].result(TIMEOUT_S).offset < all_there[part].result(TIMEOUT_S).offset:
            raise Sorry(f"{topic}, partition {part.partition}: a transaction is open: try again in some ten seconds; nothing was changed")


def known_tokens(settings: Settings, cards: dict[str, Card]) -> set[str]:
    """Of every application that is not forgotten: those of the ledger, and those that the log has behind what the ledger applied."""
    custody, ledger = cards["custody-log"].topic(), cards["applications"].topic()
    consumer = reader(settings, enable_partition_eof=True)
    try:
        found: set[str] = set()
        partitions = partitions_in(consumer, settings, custody)
        _check_settled(admin_client(settings), custody, partitions)
        for number in partitions:
            records, applied = read_ledger(settings, ledger, number)
            found.update(map(bytes.decode, records))
            found |= _tokens_from(consumer, ck.TopicPartition(custody, number, applied.offset + 1))
        return found
    finally:
        consumer.close()


def _tokens_from(consumer: ck.Consumer, start: ck.TopicPartition) -> set[str]:
    """The keys of the log's events from an offset to its end."""
    low, end = ends_of(consumer, start, TIMEOUT_S)
    start = ck.TopicPartition(start.topic, start.partition, max(low, start.offset))
    try:
        keys = {bytes(message.key() or b"") for message in read_to(consumer, start, end)}
    except LogError as error:
        raise Sorry(f"{error}: nothing was changed") from error
    return {key.decode() for key in keys if len(key) == TOKEN_LENGTH}
