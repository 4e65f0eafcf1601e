"""``tairyu judge``: the rules without a broker."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from schemas.reasons import Refused
from streams import judge as judging
from streams.cli import app
from streams.cli.answers import PartiesFile, PolicyFile, Sorry, instant, key_from, print_lines, why
from streams.cli.reading import Reading, Speaker, check_speaker
from streams.files import read_lines
from streams.gate import Gate
from streams.parties import load_parties
from streams.policy import Policies, PolicyMissing
from streams.policy_file import load_policies
from streams.settings import load_settings


@app.command()
def judge(
    events: Annotated[
        str | None, typer.Argument(help="A file of events (.ndjson, .ndjson.gz, .csv, .parquet, or - for standard input).")
    ] = None,
    log: Annotated[Path | None, typer.Option(help="An exported custody-log instead of a file of events.")] = None,
    speaker: Speaker = None,
    policy: PolicyFile = None,
    parties: PartiesFile = None,
    until: Annotated[str | None, typer.Option(help="Judge silence up to this instant (RFC 3339); default: the latest arrival.")] = None,
    verdicts: Annotated[bool, typer.Option("--verdicts", help="Print final verdicts instead of transitions.")] = False,
    key: Annotated[Path | None, typer.Option(help="File with the key of the tokens.")] = None,
) -> None:
    """Judge a file by the very rules of the watch: transitions as JSON lines on stdout. No broker is needed.

    Exit code 1 if lines were refused: each is named on stderr, and the rest is judged.
    """
    settings = load_settings()
    policies = load_policies(policy or settings.policy)
    if (events is None) == (log is None):
        raise Sorry("judge needs one thing to judge: a file of events, or --log with an exported custody-log")
    if log is not None:
        if until is not None or key is not None or speaker is not None:
            raise Sorry("--until, --key and --speaker are for a file of events: a log has its own clock, and tokens and speakers already")
        print_lines(_over_log(log, policies, verdicts))
        return
    who = load_parties(parties or settings.parties, policies.newest)
    check_speaker(speaker, who)
    admit = partial(Gate(policies, who, key_from(key)).admit_line, speaker=speaker)
    reading = Reading(admit, [str(events)], _tell_refused)
    print_lines(_over_events(reading, policies, instant(until, "--until"), verdicts))
    raise typer.Exit(1 if reading.refused else 0)


def _over_log(path: Path, policies: Policies, verdicts: bool) -> Iterator[bytes]:
    judge = judging.LogJudge(policies)
    for number, line in read_lines(str(path)):
        try:
            said = list(judge.feed(line))
        except msgspec.MsgspecError as error:
            raise Sorry(f"{path}:{number}: no line of `tairyu export custody-log`: {error}") from error
        except PolicyMissing as error:
            raise Sorry(f"{path}:{number}: {error}: give --policy the file by which the log was judged") from error
        if not verdicts:
            yield from map(judging.line_of, said)
    if verdicts:
        yield from (judging.verdict_line(verdict, None) for verdict in judge.verdicts())


def _over_events(reading: Reading, policies: Policies, until_us: int | None, verdicts: bool) -> Iterator[bytes]:
    events = judging.sorted_by_arrival(reading.events())
    judge = judging.FileJudge(policies)
    for said in judge.over(events, judging.latest_arrival_us(events) if until_us is None else until_us):
        if not verdicts:
            yield judging.line_of(said)
    if verdicts:
        yield from (judging.verdict_line(verdict, reading.subjects.get(verdict.token)) for verdict in judge.verdicts())


def _tell_refused(path: str, number: int, refused: Refused) -> None:
    print(f"{path}:{number}: {why(refused)}", file=sys.stderr)
