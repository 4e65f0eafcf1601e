"""``tairyu judge`` over files and logs, as a process: what it prints, what it refuses, what it says of a mistake."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from schemas.identity import token
from streams.cli.answers import TEST_KEY
from tests.cli.house import POLICIES, House, Sources, changed_policy, lines_of

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples" / "files"
LOG = EXAMPLES / "exported--custody-log-of-one-application.ndjson"
TEST_KEY_SAID = "tairyu: no --key given: tokens are made with the fixed test key\n"
SUBJECT = "".join(random.Random(7).choices("0123456789", k=23))


def told(name: str, at: str, speaker: str = "plaza", **data: str) -> dict[str, Any]:
    source = "/j-lis/acceptance" if speaker == "j-lis" else f"/vendors/{speaker}/x"
    made = {"specversion": "1.0", "id": f"{name}-{at}", "source": source, "type": f"jp.tairyu.{name}", "time": at, "subject": SUBJECT}
    return {**made, "speaker": speaker, "data": data}


HELD = (
    told("application.submitted", "2026-04-01T09:00:00+09:00", kiosk="SOKA-01"),
    told("application.uploaded", "2026-04-01T09:05:00+09:00"),
    told("application.received", "2026-04-03T10:00:00+09:00", speaker="j-lis"),
)
"""49 hours in the hop forward: notice after 6, warn after 24; breach only after 72."""


@pytest.fixture
def file(house: House) -> Path:
    path = house.folder / "events.ndjson"
    path.write_text(lines_of(*HELD), encoding="utf-8")
    return path


def kinds(text: str) -> list[tuple[str, str, str]]:
    said = [json.loads(line)["value"]["data"] for line in text.splitlines()]
    return [(each["kind"], each["hop"], each["level"]) for each in said]


def test_a_file_gives_its_transitions_as_json_lines(house: House, file: Path) -> None:
    said = house.tairyu("judge", file)

    assert (said.returncode, said.stderr) == (0, TEST_KEY_SAID)
    assert kinds(said.stdout) == [("raised", "forward", "notice"), ("escalated", "forward", "warn"), ("cleared", "forward", "warn")]
    assert {json.loads(line)["key"] for line in said.stdout.splitlines()} == {token(TEST_KEY, SUBJECT)}
    assert SUBJECT not in said.stdout


def test_until_ends_what_is_known(house: House, file: Path) -> None:
    # 15:05 on the first day is the notice limit
    before = house.tairyu("judge", file, "--until", "2026-04-01T15:05:00+09:00")
    after = house.tairyu("judge", file, "--until", "2026-04-01T15:05:02+09:00")

    assert kinds(before.stdout) == []
    assert kinds(after.stdout) == [("raised", "forward", "notice")]


def test_verdicts_are_printed_in_the_form_of_the_truth(house: House, file: Path) -> None:
    rows = house.json("judge", file, "--verdicts")

    assert [(row["hop"], row["verdict"], row["level"], row["closed_at"]) for row in rows] == [
        ("upload", "in_time", None, "2026-04-01T00:05:00Z"),
        ("forward", "late", "warn", "2026-04-03T01:00:00Z"),
        ("screening", "open", None, None),
    ]
    assert {row["subject"] for row in rows} == {SUBJECT}
    assert list(rows[0]) == ["subject", "token", "hop", "attempt", "entered_at", "closed_at", "verdict", "level"]


def test_standard_input_gzip_and_csv_are_judged_alike(house: House, file: Path) -> None:
    packed = house.folder / "events.ndjson.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    table = house.folder / "events.csv"
    rows = ["speaker,id,source,type,time,subject,kiosk"]
    rows += [",".join([e["speaker"], e["id"], e["source"], e["type"], e["time"], SUBJECT, e["data"].get("kiosk", "")]) for e in HELD]
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    key = house.folder / "key"
    key.write_text("k" * 64 + "\n")

    said = [house.tairyu("judge", path, "--key", key, text=file.read_text()) for path in (file, packed, table, "-")]

    assert [(each.returncode, each.stderr) for each in said] == [(0, "")] * 4
    assert len({each.stdout for each in said}) == 1
    assert json.loads(said[0].stdout.splitlines()[0])["key"] == token(b"k" * 64, SUBJECT)


def test_refused_lines_are_named_with_what_to_do_and_the_rest_is_judged(house: House, file: Path) -> None:
    wrong = ({**HELD[0], "speaker": "nobody"}, {**HELD[1], "time": "2026-04-01T09:05:00"}, {**HELD[2], "subject": SUBJECT[:-1]})
    lines = lines_of(*wrong).splitlines()
    file.write_text("\n".join([lines[0], "{", *lines[1:], "", file.read_text()]), encoding="utf-8")

    said = house.tairyu("judge", file)

    assert said.returncode == 1
    assert [line.split(": ")[:3] for line in said.stderr.splitlines()[1:]] == [
        [f"{file}:1", "unknown_speaker", "/speaker"],
        [f"{file}:2", "invalid_json", "/"],
        [f"{file}:3", "time_without_offset", "/time"],
        [f"{file}:4", "bad_subject", "/subject"],
    ]
    assert said.stderr.splitlines()[3].endswith("time says no offset from UTC. End time with an offset such as +09:00, or with Z.")
    assert SUBJECT[:-1] not in said.stderr
    assert kinds(said.stdout)[-1] == ("cleared", "forward", "warn")


def test_an_exported_log_is_judged_by_its_own_clock(house: House) -> None:
    said = house.tairyu("judge", "--log", LOG)

    assert (said.returncode, said.stderr) == (0, "")
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert {line["partition"] for line in lines} == {1}
    assert list(lines[0]) == ["partition", "key", "value"]
    assert house.tairyu("judge", "--log", "-", text=LOG.read_text()).stdout == said.stdout


def test_the_verdicts_of_a_log_know_only_tokens(house: House) -> None:
    rows = house.json("judge", "--log", LOG, "--verdicts")

    assert {row["subject"] for row in rows} == {None}
    assert {len(row["token"]) for row in rows} == {64}


def test_one_partys_file_needs_no_speaker_in_it(house: House, file: Path) -> None:
    file.write_text(lines_of(*({name: value for name, value in event.items() if name != "speaker"} for event in HELD[:2])))

    said = house.tairyu("judge", file)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.splitlines()[-1].endswith("in a file, set speaker, or give --speaker.")
    rows = house.json("judge", file, "--verdicts", "--speaker", "plaza")
    assert [(row["hop"], row["verdict"]) for row in rows] == [("upload", "in_time"), ("forward", "open")]


def test_the_policy_is_that_of_the_settings_unless_an_option_names_another(house: House, file: Path) -> None:
    # by the settings' policy the forward hop of 49 hours is beyond no limit
    lenient = changed_policy(house.folder, "{notice: 6h, warn: 24h, breach: 72h}", "{notice: 50h, warn: 60h, breach: 72h}")
    settings = house.folder / "tairyu.toml"
    settings.write_text(f'policy = "{lenient}"\n')

    assert kinds(house.tairyu("judge", file, env={"TAIRYU_POLICY": str(lenient)}).stdout) == []
    assert kinds(house.tairyu("--config", settings, "judge", file).stdout) == []
    named = house.tairyu("judge", file, "--policy", POLICIES / "my-number-card.yaml", env={"TAIRYU_POLICY": str(lenient)})
    assert kinds(named.stdout)[-1] == ("cleared", "forward", "warn")


def bad_policy(folder: Path) -> Path:
    text = (POLICIES / "my-number-card.yaml").read_text(encoding="utf-8")
    path = folder / "policy.yaml"
    path.write_text(text.replace("settle: 60s", "settle: soon").replace("calendars/", f"{POLICIES}/calendars/"), encoding="utf-8")
    return path


def test_a_policy_with_a_mistake_is_one_sentence_with_its_line(house: House, file: Path) -> None:
    policy = bad_policy(house.folder)
    said = house.tairyu("judge", file, "--policy", policy)

    number = 1 + policy.read_text(encoding="utf-8").splitlines().index("settle: soon")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {policy}:{number}: settle: ")
    assert said.stderr.count("\n") == 1


def test_a_log_of_another_policy_is_not_judged(house: House) -> None:
    policy = house.folder / "policy.yaml"
    text = (POLICIES / "my-number-card.yaml").read_text(encoding="utf-8")
    policy.write_text(text.replace("version: 2026-1", "version: 2031-9").replace("calendars/", f"{POLICIES}/calendars/"), encoding="utf-8")

    said = house.tairyu("judge", "--log", LOG, "--policy", policy)

    assert said.returncode == 2
    assert said.stderr.startswith(f"tairyu: {LOG}:")
    assert said.stderr.endswith("give --policy the file by which the log was judged\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "judge needs one thing to judge: a file of events, or --log with an exported custody-log"),
        (["{file}", "--log", "{log}"], "judge needs one thing to judge: a file of events, or --log with an exported custody-log"),
        (["--log", "{log}", "--until", "2026-04-01T00:00:00Z"], "--until, --key and --speaker are for a file of events: "),
        (
            ["{file}", "--until", "yesterday"],
            "--until: expected an instant with an offset such as 2026-05-14T00:00:00+09:00, got 'yesterday'",
        ),
        (["{file}", "--until", "2026-04-01T00:00:00"], "--until: expected an instant with an offset"),
        (["{file}", "--key", "/nowhere"], "/nowhere: No such file or directory: the key of the tokens cannot be read"),
        (["{file}", "--key", "{short}"], "{short}: a key has at least 32 bytes, this one has 5"),
        (["{file}", "--speaker", "nobody"], "--speaker: nobody of the name 'nobody' is a party here; plaza, tokiwa, minato, j-lis are, "),
        (["{file}", "--parties", "/nowhere"], "/nowhere: cannot be read: "),
        (["/nowhere.ndjson"], "/nowhere.ndjson: No such file or directory"),
        (["{folder}"], "{folder}: Is a directory"),
        (["--log", "{file}"], "{file}:1: no line of `tairyu export custody-log`: "),
        (["{short}.csv"], "{short}.csv:1: unknown column 'when', missing column 'speaker'; the columns are speaker, "),
    ],
)
def test_a_mistake_is_a_sentence(house: House, file: Path, arguments: list[str], sentence: str) -> None:
    short = house.folder / "short"
    short.write_text("short")
    short.with_name("short.csv").write_text("when,id,source,type,time\n")
    names = {"file": file, "log": LOG, "short": short, "folder": house.folder}

    said = house.tairyu("judge", *(each.format_map(names) for each in arguments))

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.removeprefix(TEST_KEY_SAID).startswith(f"tairyu: {sentence.format_map(names)}")
    assert said.stderr.removeprefix(TEST_KEY_SAID).count("\n") == 1


def test_a_reader_that_closes_early_is_no_error(house: House, sources: Sources) -> None:
    # more than a pipe holds
    events = [sources.event("plaza", "application.submitted", 400, sources.application()) for _ in range(400)]
    (house.folder / "many.ndjson").write_text(lines_of(*events))
    with house.start("judge", house.folder / "many.ndjson", "--until", "2030-01-01T00:00:00Z") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()

    assert process.returncode == 0
