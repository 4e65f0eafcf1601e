"""``tairyu replay``: a file's events to the topics of their speakers."""

from pathlib import Path
from typing import Annotated

import confluent_kafka as ck
import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schemas.cards import load_cards
from schemas.codec import read_public
from schemas.reasons import Refused
from streams.cli import app
from streams.cli.answers import Sorry, key_from, why
from streams.cli.running import settings_of
from streams.files import read_lines
from streams.gate import Gate
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.senders import Senders, public_key, public_value
from streams.settings import Settings


@app.command()
def replay(
    files: Annotated[list[str], typer.Argument(help="Files of events: .ndjson, .ndjson.gz, .csv with a header; - for standard input.")],
    data: Annotated[Path | None, typer.Option(help="The folder of a running `tairyu up --data`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was sent and refused as one line of JSON.")] = False,
) -> None:
    """Send files of events to the topics of their speakers (the attribute `speaker` of each event).

    Each line is first checked by intake's own code: a refused one is named on stderr with its line number and what to do, and is
    not sent; the rest is. Exit code 1 if any was refused.
    """
    settings = settings_of(data)
    sender = Sender(settings)
    counts = {"sent": 0, "refused": 0}
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    ) as progress:
        for path in files:
            task = progress.add_task(path, total=None)
            for number, line in read_lines(path):
                refused = sender.send(line, f"{path}:{number}")
                counts["sent" if refused is None else "refused"] += 1
                if refused is not None:
                    progress.console.print(f"{path}:{number}: {refused}", markup=False, highlight=False, soft_wrap=True)
                progress.advance(task)
            progress.update(task, total=progress.tasks[task].completed)
    sender.finish()
    print(orjson.dumps(counts).decode() if as_json else f"{counts['sent']} events sent, {counts['refused']} refused")
    raise typer.Exit(1 if counts["refused"] else 0)


class Sender:
    """Checks a line as intake will, then sends it to its speaker's topic. Nothing counts as sent before ``finish``."""

    def __init__(self, settings: Settings) -> None:
        policies, cards = load_policies(settings.policy), load_cards()
        parties = load_parties(settings.parties, policies.newest)
        self._gate = Gate(policies, parties, key_from(settings.key_file, told=False))
        self._senders = Senders(parties, public_feeds(parties, policies.newest, cards).values(), cards)
        self._failed: ck.KafkaError | None = None
        self._producer = ck.Producer(
            {
                "bootstrap.servers": settings.brokers,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 20,
                "on_delivery": self._delivered,
            }
        )

    def send(self, line: bytes, origin: str) -> str | None:
        """None, or why the line was refused and what to do."""
        try:
            self._gate.admit_line(line, origin=origin)
            event = read_public(line, None)
            route = self._senders.route(event.speaker)
        except Refused as refused:
            return why(refused)
        while True:
            try:
                self._producer.produce(route.topic, public_value(event), public_key(event), headers=[*route.headers])
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return None

    def finish(self) -> None:
        left = self._producer.flush(60.0)
        if left or self._failed is not None:
            why = self._failed.str() if self._failed is not None else "no answer"
            raise Sorry(f"the broker did not take every event ({why}): send the file again, copies do no harm")

    def _delivered(self, error: ck.KafkaError | None, message: ck.Message) -> None:
        self._failed = self._failed or error
