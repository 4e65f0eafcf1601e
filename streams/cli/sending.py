"""``tairyu replay``: a file's events to the topics of their speakers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import confluent_kafka as ck
import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.cards import load_cards
from schemas.codec import read_public
from schemas.reasons import Refused
from streams.cli import app
from streams.cli.answers import Screen, Sorry, key_from, why
from streams.cli.reading import Speaker, check_speaker
from streams.cli.running import Data, settings_of, topics_of
from streams.connection import kafka
from streams.files import check_readable, read_lines
from streams.gate import Gate
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.senders import Senders, public_key, public_value
from streams.settings import Settings

TAKEN_WITHIN_S = 30.0


@app.command()
def replay(
    files: Annotated[
        list[str], typer.Argument(help="Files of events: .ndjson, .ndjson.gz, .csv with a header, .parquet; - for standard input.")
    ],
    speaker: Speaker = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was sent and refused, with reasons, as one line of JSON.")] = False,
) -> None:
    """Send files of events to the topics of their speakers (the attribute `speaker` of each event, or --speaker for all).

    Each line is first checked by intake's own code: a refused one is named on stderr with its line number and what to do, and is
    not sent; the rest is. Exit code 1 if any was refused. They arrive now: an attribute `received` has no effect here.
    """
    for path in files:
        check_readable(path)
    with sending(settings_of(data), speaker) as sender, _progress() as progress:
        for path in files:
            _send(path, sender, progress)
    refused = sender.refused.total()
    if as_json:
        print(orjson.dumps({"sent": sender.sent, "refused": refused, "reasons": dict(sorted(sender.refused.items()))}).decode())
    else:
        print(f"{sender.sent} events sent, {refused} refused")
    raise typer.Exit(1 if refused else 0)


def _progress() -> Progress:
    """On stderr, and only where a person looks."""
    console = Screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _send(path: str, sender: "Sender", progress: Progress) -> None:
    task = progress.add_task(path, total=None)
    for number, line in read_lines(path):
        refused = sender.send(line, f"{path}:{number}")
        if refused is not None:
            progress.console.print(f"{path}:{number}: {refused}", markup=False, highlight=False, soft_wrap=True)
        progress.advance(task)
    progress.update(task, total=progress.tasks[task].completed)


class Sender:
    """Checks a line as intake will, then sends it to its speaker's topic. Nothing counts as sent before ``finish``."""

    def __init__(self, settings: Settings, speaker: str | None = None) -> None:
        """``speaker``: who says all lines, whatever they name. Sorry if that is nobody, or the broker does not answer, or lacks a topic."""
        policies, cards = load_policies(settings.policy), load_cards()
        parties = load_parties(settings.parties, policies.newest)
        check_speaker(speaker, parties)
        self._speaker = speaker
        feeds = public_feeds(parties, policies.newest, cards, settings.public_partitions)
        self.sent = 0
        self.refused: Counter[str] = Counter()
        """Reason -> how many lines."""
        self._gate = Gate(policies, parties, key_from(settings.key_file, told=False))
        self._senders = Senders(parties, feeds.values(), cards)
        self._failed: ck.KafkaError | None = None
        self._producer = ck.Producer(
            kafka(settings)
            | {
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 20,
                "message.timeout.ms": int(TAKEN_WITHIN_S * 1_000),
                "on_delivery": self._delivered,
                "log_level": 0,  # what goes wrong is raised
            }
        )
        if missing := feeds.keys() - topics_of(self._producer, settings.brokers):
            raise Sorry(f"the broker at {settings.brokers} has no topic {', '.join(sorted(missing))}: is it a broker of Tairyu's?")

    def send(self, line: bytes, origin: str) -> str | None:
        """None, or why the line was refused and what to do."""
        try:
            admitted = self._gate.admit_line(line, origin=origin, speaker=self._speaker)
            event = read_public(line, None)
            route = self._senders.route(admitted.speaker)
        except Refused as refused:
            self.refused[refused.reason.value] += 1
            return why(refused)
        while True:
            self._check()
            try:
                self._producer.produce(route.topic, public_value(event), public_key(event), headers=[*route.headers])
            except BufferError:
                self._producer.poll(0.1)
            except ck.KafkaException as refused:
                self._check(refused.args[0].str())
            else:
                self._producer.poll(0)
                self.sent += 1
                return None

    def finish(self) -> None:
        """Returns when the broker has taken all; Sorry if it has not."""
        left = self._producer.flush(2 * TAKEN_WITHIN_S)
        self._check("no answer" if left else None)

    def _check(self, wrong: str | None = None) -> None:
        wrong = self._failed.str() if self._failed is not None else wrong
        if wrong is not None:
            raise Sorry(f"the broker did not take every event ({wrong}): send the file again, copies do no harm")

    def _delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        self._failed = self._failed or error


@contextmanager
def sending(settings: Settings, speaker: str | None = None) -> Iterator[Sender]:
    """What was given to it is sent also if reading the rest fails."""
    sender = Sender(settings, speaker)
    try:
        yield sender
    finally:
        sender.finish()
