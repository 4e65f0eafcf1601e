"""Both judges at one log, and what they say in one form."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import orjson
from msgspec.structs import replace

from schemas.codec import encode
from schemas.events import Event
from schemas.instants import from_text
from schemas.records import PULSE_KEY, ClockMark, Pulse, Transition
from streams.judge import LogJudge
from streams.judge import Said as Line
from streams.policy import Policies
from streams.policy_file import load_policies
from streams.verdicts import HopVerdict
from tests.oracle.judge import Oracle
from tests.oracle.policy import Version, read_policy
from tests.oracle.sayings import Mark, Saying, Verdict
from tests.oracle.truth import Whose
from tests.properties.histories import Log

FILE = Path(__file__).parents[2] / "streams" / "policies" / "my-number-card.yaml"
OVERRIDES = """overrides:
  - {name: k1, match: {kiosk: k1}, hop: forward, set: {limits: {notice: 2h, warn: 48h, breach: 49h}}}
  - {name: town, match: {kiosk_municipality: "112216"}, hop: forward, set: {limits: {notice: 5h, breach: 9h}}}
  - {name: both, match: {kiosk_municipality: "131016", vendor: plaza}, hop: forward, set: {limits: {notice: 4h}}}
  - {name: direct, match: {vendor: tokiwa}, hop: forward, set: {begins: [application.submitted]}}
  - {name: unobserved, match: {vendor: tokiwa}, hop: upload, set: {watched: false}}
  - {name: either, match: {vendor: minato}, hop: forward, set: {begins: [application.submitted, application.uploaded]}}
  - {name: slow-town, match: {residence_municipality: "131016"}, hop: notice, set: {clock: calendar_days, limits: {notice: 3, late: 4}}}
"""


def with_overrides(text: str) -> str:
    return text.replace("overrides: []\n", OVERRIDES)


def second_version(text: str) -> str:
    """The same procedure again, tighter, from the middle of May."""
    later = text.replace("version: 2026-1\n", "version: 2026-2\n").replace("effective: epoch\n", "effective: 2026-05-15T12:00:00+09:00\n")
    return later.replace("{notice: 6h, warn: 24h, breach: 72h}", "{notice: 3h, severe: 7h, breach: 73h}").replace(
        "notice: 30,", "notice: 3,"
    )


def both_readings(edit: Callable[[str], str]) -> tuple[Policies, list[Version]]:
    """One policy text, read by the product and by the oracle."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "calendars").symlink_to(FILE.parent / "calendars")
        file = Path(folder) / FILE.name
        file.write_text(edit(FILE.read_text()))
        return load_policies(file), read_policy(file)


PLAIN = both_readings(lambda text: text)
RULED = both_readings(lambda text: with_overrides(text) + "---\n" + second_version(text))
READINGS = {"plain": PLAIN, "ruled": RULED}


def exported(log: Log, newest: str = "2026-1") -> list[bytes]:
    """The log as ``tairyu export custody-log`` writes it."""
    return [line(offset, record, newest) for offset, record in enumerate(log)]


def line(offset: int, record: Event | Pulse, newest: str) -> bytes:
    if isinstance(record, Pulse):
        key, record = PULSE_KEY.decode(), replace(record, policy=newest)
    else:
        key = record.subject or record.speaker
    return orjson.dumps({"partition": 0, "offset": offset, "key": key, "value": orjson.Fragment(encode(record))})


def product_of(log: Log, policies: Policies) -> tuple[list[Line], list[HopVerdict]]:
    judge = LogJudge(policies)
    lines = [said for text in exported(log, policies.newest.version) for said in judge.feed(text)]
    return lines, list(judge.verdicts())


def oracle_of(log: Log, versions: list[Version]) -> Oracle:
    return Oracle(versions).feed(log)


def read(lines: Iterable[Line]) -> list[Saying | Mark]:
    """The product's lines in the oracle's words."""
    return [saying_of(value) if key is not None else mark_of(value) for _, key, value in lines]


def saying_of(value: bytes) -> Saying:
    said = msgspec.json.decode(value, type=Transition)
    data = said.data
    assert said.id == f"{data.token}:{data.hop}:{data.attempt}:{data.revision}"
    return Saying(
        token=data.token,
        hop=data.hop,
        attempt=data.attempt,
        revision=data.revision,
        kind=data.kind,
        reason=data.reason,
        level=data.level,
        time=from_text(said.time),
        at=from_text(data.at),
        entered=from_text(data.entered_at),
        due=from_text(data.due_at),
        closed=None if data.closed_at is None else from_text(data.closed_at),
        closed_before=None if data.closed_before is None else from_text(data.closed_before),
        rule=data.limit_rule,
        version=data.policy_version,
        whose=Whose(data.vendor, data.kiosk, data.kiosk_municipality, data.residence_municipality),
    )


def mark_of(value: bytes) -> Mark:
    data = msgspec.json.decode(value, type=ClockMark).data
    clocks = tuple(sorted((name, from_text(clock)) for name, clock in data.clocks.items()))
    return Mark(from_text(data.at), data.bucket, None if data.all is None else from_text(data.all), clocks)


def verdicts_of(verdicts: Iterable[HopVerdict]) -> dict[tuple[str, str, int], Verdict]:
    """Void ones are left out, as the oracle leaves them out."""
    return {
        (verdict.token, verdict.hop, verdict.attempt): Verdict(verdict.verdict, verdict.entered_us, verdict.closed_us, verdict.level)
        for verdict in verdicts
        if verdict.verdict != "void"
    }


def oracle_verdicts(oracle: Oracle) -> dict[tuple[str, str, int], Verdict]:
    """Nothing is judged past the calendar's horizon: the product calls an end there undetermined, a hop without one open."""
    undated = {True: "open", False: "undetermined"}
    return {
        key: Verdict(undated[verdict.closed is None] if verdict.name == "undated" else verdict.name, *rest_of(verdict))
        for key, verdict in oracle.verdicts().items()
    }


def rest_of(verdict: Verdict) -> tuple[int, int | None, str | None]:
    return verdict.entered, verdict.closed, verdict.level
