"""Counts the histories of each property; a long run (`make soak`) ends with a table and one line of JSON."""

from collections.abc import Iterator

import orjson
import pytest

from tests.properties import histories
from tests.properties.budget import LONG


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    before = histories.COUNT[0]
    try:
        return (yield)
    finally:
        item.user_properties.append(("histories", histories.COUNT[0] - before))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if LONG:
        rows = rows_of(terminalreporter)
        for name, count, seconds, outcome in rows:
            terminalreporter.write_line(f"{count:>8} histories {seconds:>8.1f} s  {outcome}  {name}")
        report = {
            "seed": config.getoption("--hypothesis-seed"),
            "properties": len(rows),
            "histories": sum(count for _, count, _, _ in rows),
            "seconds": round(sum(seconds for _, _, seconds, _ in rows), 1),
            "failed": [name for name, _, _, outcome in rows if outcome != "passed"],
        }
        terminalreporter.write_line(orjson.dumps(report).decode())


def rows_of(terminalreporter: pytest.TerminalReporter) -> list[tuple[str, int, float, str]]:
    """Name, histories, seconds and outcome of each property that told any."""
    tests = [test for outcome in ("passed", "failed") for test in terminalreporter.stats.get(outcome, [])]
    told = [(test, dict(test.user_properties).get("histories", 0)) for test in tests]
    return sorted((test.nodeid.rpartition("::")[2], count, test.duration, test.outcome) for test, count in told if count)
