"""``tairyu check``: what the door would say of a file, and what would then be said of its sender. No broker is needed."""

from collections.abc import Iterator
from typing import Annotated

import typer

from schemas.events import Event
from schemas.reasons import Reason, Refused
from streams.cli import app
from streams.cli.answers import TEST_KEY, PartiesFile, PolicyFile, Sorry, instant
from streams.cli.check_report import Answer, Checked, JsonAnswer, TextAnswer
from streams.cli.reading import Reading, Speaker, check_speaker
from streams.files import check_readable
from streams.gate import Gate
from streams.judge import FileJudge, latest_arrival_us, sorted_by_arrival
from streams.parties import Parties, load_parties
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.settings import load_settings


@app.command()
def check(
    files: Annotated[
        list[str], typer.Argument(help="Files of events: .ndjson, .ndjson.gz, .csv with a header, .parquet; - for standard input.")
    ],
    speaker: Speaker = None,
    until: Annotated[str | None, typer.Option(help="Judge silence up to this instant (RFC 3339); default: the latest arrival.")] = None,
    policy: PolicyFile = None,
    parties: PartiesFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines: each line, each final verdict, then a summary.")] = False,
) -> None:
    """Check files before going live, by intake's own code: which lines would be refused, why, and what to do.

    A line that is not named is accepted. Then the final verdicts of what was accepted, as of its arrival (`received`, else `time`), by
    hop and holder, and each stall. Exit code 1 if any line is refused, else 0.
    """
    for path in files:
        check_readable(path)
    until_us, settings = instant(until, "--until"), load_settings()
    policies = load_policies(policy or settings.policy)
    door = Door(policies, load_parties(parties or settings.parties, policies.newest), speaker)
    answer: Answer = JsonAnswer() if as_json else TextAnswer(policies.newest)
    reading = Reading(door.admit, files, answer.refused)
    events = list(_accepted(reading, answer))
    if not events and not reading.refused:
        raise Sorry(f"{', '.join(files)}: holds no line to check")
    answer.checked(_checked(reading, events, policies, latest_arrival_us(events) if until_us is None else until_us))
    raise typer.Exit(1 if reading.refused else 0)


class Door:
    """The gate, and what stands before it: who no longer sends has no topic."""

    def __init__(self, policies: Policies, parties: Parties, speaker: str | None) -> None:
        """Sorry if ``speaker``, of whose topic all lines are to be, is nobody here."""
        check_speaker(speaker, parties)
        self._gate, self._parties, self._speaker = Gate(policies, parties, TEST_KEY), parties, speaker

    def admit(self, line: bytes, *, origin: str) -> Event:
        event = self._gate.admit_line(line, origin=origin, speaker=self._speaker)
        party = self._parties.party(event.speaker)
        if party is not None and party.retired:
            raise Refused(Reason.UNKNOWN_SPEAKER, "/speaker")
        return event


def _accepted(reading: Reading, answer: Answer) -> Iterator[Event]:
    for event in reading.events():
        answer.accepted(event)
        yield event


def _checked(reading: Reading, events: list[Event], policies: Policies, through_us: int) -> Checked:
    judge, first_told = FileJudge(policies), {}
    for event in reversed(events):
        first_told[event.subject] = event.origin
    for _ in judge.over(sorted_by_arrival(events), through_us):
        pass
    return Checked(len(events), reading.refused, through_us, list(judge.verdicts()), first_told, reading.subjects)
