"""A stage's log: one JSON object a line, whoever speaks, and nothing over and over."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from streams.connection import LOG
from streams.logs import Repeats, log_to_stderr


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert all(line.pop("timestamp") for line in lines)
    return lines


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, threading.excepthook
    yield
    threading.excepthook = hook
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_what_was_said_a_moment_ago_is_held_back_and_counted() -> None:
    repeats = Repeats(every_s=30)

    assert repeats.held_back("refused", 100) == 0
    assert repeats.held_back("refused", 100.1) is None
    assert repeats.held_back("another", 101) == 0
    assert repeats.held_back("refused", 129.9) is None
    assert repeats.held_back("refused", 130) == 2
    assert repeats.held_back("refused", 131) is None
    # what nobody has said for long is forgotten
    assert repeats.held_back("refused", 1_000) == 1
    assert repeats.held_back("another", 1_001) == 0
    assert list(repeats._said) == ["refused", "another"]


def test_a_kafka_client_speaks_in_fields_and_the_next_attempt_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    for attempt in (0, 7):
        text = f"[thrd:k-1:9092/bootstrap]: k-1:9092/1: Connect failed: Connection refused (after {attempt}ms in state CONNECT)"
        LOG.log(logging.ERROR, "%s [%s] %s", "FAIL", "rdkafka#producer-2", text)
    other = "[thrd:k-2:9092/bootstrap]: k-2:9092/2: Connect failed: Connection refused (after 0ms in state CONNECT)"
    LOG.log(logging.ERROR, "%s [%s] %s", "FAIL", "rdkafka#producer-2", other)

    common = {"event": "a Kafka client says", "level": "error", "client": "rdkafka#producer-2", "code": "FAIL"}
    assert said(capsys) == [
        {**common, "text": f"k-{number}:9092/{number}: Connect failed: Connection refused (after 0ms in state CONNECT)"}
        for number in (1, 2)
    ]


def test_a_library_speaks_in_fields_and_its_exception_quotes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    log = logging.getLogger("aiokafka.consumer")
    log.info("this is not news")
    try:
        raise ValueError("12 digits of somebody")
    except ValueError:
        log.exception("Unable to fetch from %s", "node 1")

    (line,) = said(capsys)
    (place,) = line.pop("at")
    assert place.startswith("test_logs.py:")
    told = {"event": "a library says", "level": "error", "logger": "aiokafka.consumer", "error": "ValueError"}
    assert line == {**told, "text": "Unable to fetch from node 1"}


def test_a_thread_that_ends_with_an_error_says_so_in_fields_and_quotes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    thread = threading.Thread(target=lambda: int("12 digits of somebody"), name="consumer")
    thread.start()
    thread.join()

    (line,) = said(capsys)
    assert line.pop("at")[-1].startswith("test_logs.py:")
    assert line == {"event": "a thread ended", "level": "error", "thread": "consumer", "error": "ValueError"}
