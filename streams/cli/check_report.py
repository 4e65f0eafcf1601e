"""The answer of ``tairyu check``: lines as they are read, then the final verdicts; for people or for programs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import orjson
from rich.table import Table

from schemas.events import Event
from schemas.flags import FLAGS
from schemas.instants import from_us, to_text
from schemas.reasons import Refused
from streams.cli.answers import Screen, cell, why
from streams.judge import verdict_line
from streams.policy import Policy
from streams.verdicts import HopVerdict

SHOWN = 50
"""Stalls listed in a window; a pipe and --json get all."""


class Checked(NamedTuple):
    """What came of it all."""

    accepted: int
    refused: int
    through_us: int
    verdicts: list[HopVerdict]
    first_told: Mapping[str | None, str]
    """Token -> ``FILE:LINE`` of the application's first accepted event."""
    subjects: Mapping[str, str]
    """Token -> the id that the files have for it."""


class Answer(Protocol):
    def accepted(self, event: Event) -> None: ...

    def refused(self, path: str, number: int, refused: Refused) -> None: ...

    def checked(self, checked: Checked) -> None: ...


def is_stall(verdict: HopVerdict) -> bool:
    """Whether it would be said of the holder that it was, or is, beyond a limit."""
    return verdict.verdict in ("late", "open") and verdict.level is not None


class JsonAnswer:
    """One object a line, under one key that says what it is: ``line``, ``verdict``, ``summary``."""

    def accepted(self, event: Event) -> None:
        _print({"line": {"at": event.origin, "accepted": True, "type": event.type, "speaker": event.speaker}})

    def refused(self, path: str, number: int, refused: Refused) -> None:
        reason = refused.reason
        told = {"reason": reason.value, "path": refused.path, "when": reason.when, "remedy": reason.remedy}
        _print({"line": {"at": f"{path}:{number}", "accepted": False, **told}})

    def checked(self, checked: Checked) -> None:
        for verdict in checked.verdicts:
            row = orjson.loads(verdict_line(verdict, checked.subjects.get(verdict.token)))
            more = {"holder": verdict.holder, "vendor": verdict.vendor, "flags": verdict.flags}
            _print({"verdict": {**row, **more, "first_told_at": checked.first_told.get(verdict.token)}})
        counted = {"accepted": checked.accepted, "refused": checked.refused, "judged_through": to_text(checked.through_us)}
        _print({"summary": {**counted, "stalls": sum(map(is_stall, checked.verdicts))}})


class TextAnswer:
    def __init__(self, policy: Policy) -> None:
        self._policy, self._screen = policy, Screen()

    def accepted(self, event: Event) -> None:
        """Only what is wrong is named."""

    def refused(self, path: str, number: int, refused: Refused) -> None:
        self._say(f"{path}:{number}: {why(refused)}")

    def checked(self, checked: Checked) -> None:
        self._say(f"{checked.accepted + checked.refused} lines: {checked.accepted} accepted, {checked.refused} refused")
        if not checked.verdicts:
            return
        self._say("")
        self._screen.print(self._by_hop(checked))
        stalls = [verdict for verdict in checked.verdicts if is_stall(verdict)]
        self._screen.print(self._stalls(stalls, checked) if stalls else "Nothing was beyond a limit.")
        for line in _flagged(checked.verdicts):
            self._say(line)
        if any(verdict.verdict == "open" for verdict in checked.verdicts):
            self._say("A hop that another party ends stays open here, unless these files hold what that party says, too.")

    def _by_hop(self, checked: Checked) -> Table:
        words = ("in_time", "late", "open", "undetermined", "void")
        policy = self._policy
        table = Table(title=f"As {policy.procedure} {policy.version} judges it, through {self._local(checked.through_us)}")
        for column in ("hop", "holder", *(word.replace("_", " ") for word in words)):
            table.add_column(column)
        order = list(policy.hops)
        groups: dict[tuple[str, str], list[HopVerdict]] = {}
        for verdict in sorted(checked.verdicts, key=lambda each: order.index(each.hop) if each.hop in order else len(order)):
            groups.setdefault((verdict.hop, self._holder(verdict)), []).append(verdict)
        for (hop, holder), verdicts in groups.items():
            table.add_row(hop, cell(holder), *(_count(each for each in verdicts if each.verdict == word) for word in words))
        return table

    def _stalls(self, stalls: list[HopVerdict], checked: Checked) -> Table:
        stalls = sorted(stalls, key=lambda each: (each.entered_us, each.token, each.hop, each.attempt))
        shown = stalls[:SHOWN] if self._screen.is_terminal else stalls
        title = f"{len(stalls)} beyond a limit" + (f", the oldest {SHOWN} shown" if len(shown) < len(stalls) else "")
        table = Table("first told at", "application", "hop", "holder", "since", "until", "limit passed", title=title)
        for each in shown:
            until = "still open" if each.closed_us is None else self._local(each.closed_us)
            row = (each.hop, self._holder(each), self._local(each.entered_us), until, each.level or "")
            table.add_row(*map(cell, (checked.first_told.get(each.token, ""), f"…{each.last4}", *row)))
        return table

    def _holder(self, verdict: HopVerdict) -> str:
        return verdict.vendor if verdict.holder == self._policy.attribution_role and verdict.vendor else verdict.holder

    def _local(self, instant_us: int) -> str:
        return f"{from_us(instant_us).astimezone(self._policy.timezone):%Y-%m-%d %H:%M}"

    def _say(self, text: str) -> None:
        self._screen.print(text, markup=False, soft_wrap=True)


def _flagged(verdicts: Iterable[HopVerdict]) -> Iterator[str]:
    """A line for each flag; an application counts once."""
    found = {(flag, verdict.token) for verdict in verdicts for flag in verdict.flags}
    for flag, count in sorted(Counter(flag for flag, _ in found).items()):
        yield f"{flag}, in {count} application{'s' if count > 1 else ''}: {FLAGS[flag]}"


def _count(verdicts: Iterable[HopVerdict]) -> str:
    """``5``, or with the limits that were passed: ``5 (notice 3, breach 1)``."""
    levels = Counter(verdict.level for verdict in verdicts)
    passed = ", ".join(f"{level} {count}" for level, count in levels.items() if level is not None)
    return (f"{levels.total()} ({passed})" if passed else str(levels.total())) if levels else ""


def _print(answer: dict[str, Any]) -> None:
    print(orjson.dumps(answer).decode())
