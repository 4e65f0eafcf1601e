"""What is wrong with this machine, and with the brokers: looked at, never touched. ClickHouse's part: ``sinks/doctor.py``."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient

from schemas.cards import Card
from schemas.codec import decode_pulse
from schemas.instants import SECOND_US, from_text
from schemas.records import PULSE_KEY
from streams.calendars import UNIX_DAY
from streams.findings import Finding
from streams.groups import groups_of
from streams.key_in_use import marks_in_use
from streams.keys import RIGHT_FILE, KeyFileError, key_marks, load_key, missing_key, narrow, open_to_others
from streams.log_reader import LogError, ends_of, read_to, reader
from streams.policy import Policy
from streams.setting_sources import config_file
from streams.settings import SECRETS, Settings, origins
from streams.topics import TIMEOUT_S

CALENDAR_DAYS = 120
"""A hop of 30 business days, entered today, ends within them."""
CLOCK_S = 5.0
PULSE_AGE_S = 60.0
TAIL = 5_000
"""Records of the log's end in which a pulse is looked for."""


def check_key(path: Path) -> Iterator[Finding]:
    """The key of the tokens."""
    try:
        load_key(path)
    except KeyFileError as error:
        yield Finding("TAIRYU_KEY_FILE", str(error), "name the right file, or restore it from its copy: no stage goes on without it")
        return
    if open_to_others(path.stat(), os.geteuid()):
        mode = path.stat().st_mode & 0o777
        yield Finding(str(path), f"the key of the tokens is readable by others (mode {mode:o})", narrow(path))


def check_key_in_use(admin: AdminClient, path: Path) -> Iterator[Finding]:
    """Whether the file has the keys with which intake makes tokens. KafkaException if the brokers do not tell."""
    with suppress(KeyFileError):  # said by check_key
        if missing := missing_key(key_marks(load_key(path)).values(), marks_in_use(admin)):
            yield Finding(str(path), missing, RIGHT_FILE)


def check_settings(settings: Settings) -> Iterator[Finding]:
    file, found = config_file(os.environ), origins()
    if file is not None and file.is_file():
        mode, held = file.stat().st_mode & 0o777, sorted(name for name in SECRETS if found[name] == str(file))
        if held and mode & 0o077:
            yield Finding(str(file), f"holds {', '.join(held)}, and is readable by others (mode {mode:o})", f"chmod 600 {file}")
    if settings.brokers_security != "SASL_SSL" and (settings.brokers_user or settings.brokers_password):
        wrong = f"a user is named, and has no effect with TAIRYU_BROKERS_SECURITY={settings.brokers_security}"
        yield Finding("TAIRYU_BROKERS_USER", wrong, "set TAIRYU_BROKERS_SECURITY=SASL_SSL, or leave the user out")


def check_calendars(policy: Policy, today: date) -> Iterator[Finding]:
    """Those by which the policy judges; past its end a hop is undated, and nobody hears of it."""
    for name, calendar in policy.calendars.items():
        last = date.fromordinal(calendar.last_day + UNIX_DAY)
        if last < today + timedelta(CALENDAR_DAYS):
            yield Finding(f"calendar {name}", f"ends on {last}: what is due later gets no verdict", "extend its last_day and closures")


def check_disk(folders: Iterable[Path], least_free: float) -> Iterator[Finding]:
    """``least_free``: the part of a disk that is to be free. Each disk once."""
    seen: set[int] = set()
    for folder in folders:
        if folder.exists() and folder.stat().st_dev not in seen:
            seen.add(folder.stat().st_dev)
            usage = shutil.disk_usage(folder)
            if usage.free < least_free * usage.total:
                free = f"{usage.free / usage.total:.0%} of its disk is free ({usage.free / 1e9:.1f} GB)"
                yield Finding(str(folder.resolve()), free, "free some, or give it a larger one: a full disk stops the stage")


def check_groups(admin: AdminClient, settings: Settings) -> Iterator[Finding]:
    """Each stage's group has a member. KafkaException if the brokers do not tell."""
    names = groups_of(settings)
    described = admin.describe_consumer_groups(list(names.values()), request_timeout=TIMEOUT_S)
    for stage, group in names.items():
        try:
            members = len(described[group].result(TIMEOUT_S).members)
        except ck.KafkaException as error:
            if error.args[0].code() != ck.KafkaError.GROUP_ID_NOT_FOUND:
                raise
            members = 0
        if not members:
            yield Finding(f"group {group}", "has no member", f"no {stage} runs: start one with `tairyu run {stage}`")


def check_pulses(settings: Settings, cards: Mapping[str, Card], now_us: int) -> Iterator[Finding]:
    """By the last pulse of the log: whether time goes on, and whether the clocks of intake, broker and this machine agree."""
    topic = cards["custody-log"].topic()
    pulses = [(message, from_text(decode_pulse(message.value() or b"").at)) for message in _tail(settings, topic) if _is_pulse(message)]
    if not pulses:
        return
    message, at_us = pulses[-1]
    appended_us = message.timestamp()[1] * 1_000
    if now_us - appended_us > PULSE_AGE_S * SECOND_US:
        age = round((now_us - appended_us) / SECOND_US)
        yield Finding(topic, f"its last pulse is {age} s old: no clock goes on", "see why intake writes none: its log tells")
    if abs(appended_us - at_us) > CLOCK_S * SECOND_US:
        apart = round((at_us - appended_us) / SECOND_US)
        yield Finding(topic, f"intake's clock and the broker's are {apart:+d} s apart", "set both by NTP (chrony): T is read off a clock")
    if appended_us - now_us > CLOCK_S * SECOND_US:
        behind = round((appended_us - now_us) / SECOND_US)
        yield Finding("this machine", f"its clock is {behind} s behind the broker's", "set it by NTP (chrony)")


def _tail(settings: Settings, topic: str) -> Sequence[ck.Message]:
    """The committed records among the last of partition 0."""
    consumer = reader(settings, enable_partition_eof=True, auto_offset_reset="earliest")
    found: list[ck.Message] = []
    try:
        low, end = ends_of(consumer, ck.TopicPartition(topic, 0))
        with suppress(LogError):  # by what was read until then
            found.extend(read_to(consumer, ck.TopicPartition(topic, 0, max(low, end - TAIL)), end))
        return found
    finally:
        consumer.close()


def _is_pulse(message: ck.Message) -> bool:
    key = message.key()
    return key is not None and bytes(key) == PULSE_KEY
