"""The commands that ask a running ``tairyu up``: replay, stalls, where, query, export.

One set-up for all of them, which takes some seconds to start (so this is one long file); other applications in each test.
"""

import csv
import gzip
import io
import json
import os
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schemas.identity import token
from streams.run_file import Running, find_running
from tests.cli.house import COMMAND, House, Sources, lines_of, read_until, stop

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("tairyu-up")]
TOWN, HOME, ELSEWHERE = "112216", "131016", "141003"


@pytest.fixture
def up(running: House, monkeypatch: pytest.MonkeyPatch) -> Running:
    """What ``run.json`` says of the set-up."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(running.folder))
    found = find_running()
    assert found is not None
    return found


def token_of(up: Running, subject: str) -> str:
    return token(Path(up.key_file).read_bytes().strip(), subject)


def replay(house: House, *events: dict[str, Any]) -> None:
    said = house.tairyu("replay", "-", text=lines_of(*events))
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{len(events)} events sent, 0 refused\n", "")


def held_at(house: House, kiosk: str) -> list[dict[str, Any]]:
    return [row for row in house.json("stalls", "--json") if row["kiosk"] == kiosk]


def rows(house: House, sql: str) -> list[Any]:
    return house.json("query", sql, "--json")


# replay


@pytest.mark.parametrize("form", ["ndjson", "ndjson.gz", "csv", "-"])
def test_a_file_of_each_form_reaches_history(running: House, up: Running, sources: Sources, tmp_path: Path, form: str) -> None:
    subject = sources.application()
    event = sources.event("tokiwa", "application.submitted", 0.1, subject, kiosk=f"FORM-{form}", residence_municipality=HOME)
    path = tmp_path / f"events.{form}"
    if form == "csv":
        names = ["speaker", "id", "source", "type", "time", "subject"]
        cells = [*(event[name] for name in names), f"FORM-{form}", HOME]
        path.write_text(",".join([*names, "kiosk", "residence_municipality"]) + "\n" + ",".join(cells) + "\n")
    else:
        path.write_bytes(gzip.compress(lines_of(event).encode()) if form.endswith("gz") else lines_of(event).encode())

    said = running.tairyu("replay", "-" if form == "-" else path, text=lines_of(event) if form == "-" else None)

    assert (said.returncode, said.stdout, said.stderr) == (0, "1 events sent, 0 refused\n", "")
    sql = f"SELECT speaker, type, kiosk, residence_municipality, last4 FROM events WHERE token = '{token_of(up, subject)}'"
    assert running.wait_for(lambda: rows(running, sql)) == [
        {
            "speaker": "tokiwa",
            "type": "application.submitted",
            "kiosk": f"FORM-{form}",
            "residence_municipality": HOME,
            "last4": subject[-4:],
        }
    ]


def test_refused_lines_are_named_and_the_rest_is_sent(running: House, sources: Sources) -> None:
    good = sources.event("plaza", "application.submitted", 0.1, sources.application(), kiosk="REFUSED-01")
    not_his = sources.event("minato", "card.issued", 0.1, sources.application())
    said = running.tairyu("replay", "-", text=lines_of(not_his, good) + "{}\n" + lines_of({**good, "subject": "12"}))

    assert (said.returncode, said.stdout) == (1, "1 events sent, 3 refused\n")
    assert said.stderr.splitlines() == [
        "-:1: not_yours_to_say: /type: The speaker's role may not say this type. Leave it to the party that holds the application then.",
        "-:3: not_cloudevents: /specversion: It is no JSON object, or specversion, id, source or type is missing or empty. "
        "Send a CloudEvents 1.0 envelope, structured in the value or binary in headers ce_*.",
        "-:4: bad_subject: /subject: subject is not an application's id. "
        "Send all digits of the id on the application form, without separators.",
    ]
    assert running.wait_for(lambda: rows(running, "SELECT count() AS n FROM events WHERE kiosk = 'REFUSED-01'") == [{"n": 1}])


def test_a_file_of_one_partys_events_need_not_say_whose_they_are(running: House, up: Running, sources: Sources) -> None:
    """Neither in a topic of its own, nor in one that many share; and what it does say is not believed, as in a topic."""
    ours, theirs, kiosk = sources.application(), sources.application(), "WHOSE-01"
    uploaded = sources.event("minato", "application.uploaded", 0.2, ours, kiosk=kiosk)
    uploaded["speaker"] = "j-lis"
    arrived = {name: value for name, value in sources.event(TOWN, "card.arrived", 0.1, theirs).items() if name != "speaker"}

    for speaker, event in (("minato", uploaded), (TOWN, arrived)):
        said = running.tairyu("replay", "-", "--speaker", speaker, text=lines_of(event))
        assert (said.returncode, said.stdout, said.stderr) == (0, "1 events sent, 0 refused\n", "")

    tokens = ", ".join(f"'{token_of(up, subject)}'" for subject in (ours, theirs))
    sql = f"SELECT speaker, type FROM events WHERE token IN ({tokens}) ORDER BY type"
    expected = [{"speaker": "minato", "type": "application.uploaded"}, {"speaker": TOWN, "type": "card.arrived"}]
    running.wait_for(lambda: rows(running, sql) == expected)
    nobody = running.tairyu("replay", "-", "--speaker", "nobody", text=lines_of(arrived))
    assert (nobody.returncode, nobody.stdout) == (2, "")
    assert nobody.stderr.startswith("tairyu: --speaker: nobody of the name 'nobody' is a party here; plaza, ")


def test_replay_counts_for_a_program_over_several_files(running: House, sources: Sources, tmp_path: Path) -> None:
    files = []
    for number in range(2):
        files.append(tmp_path / f"{number}.ndjson")
        event = sources.event("plaza", "application.submitted", 0.1, sources.application(), kiosk="COUNTED")
        files[-1].write_text(lines_of(event, {**event, "speaker": "x"}, {**event, "time": None}))

    said = running.tairyu("replay", *files, "--json")

    assert said.returncode == 1
    assert json.loads(said.stdout) == {"sent": 2, "refused": 4, "reasons": {"missing_time": 2, "unknown_speaker": 2}}
    assert [line.split(": ")[0] for line in said.stderr.splitlines()] == [f"{file}:{number}" for file in files for number in (2, 3)]


def test_nothing_is_sent_if_one_of_the_files_is_not_there(running: House, sources: Sources, tmp_path: Path) -> None:
    path = tmp_path / "there.ndjson"
    path.write_text(lines_of(sources.event("plaza", "application.submitted", 0.1, sources.application())))

    said = running.tairyu("replay", path, tmp_path / "not.ndjson")

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"tairyu: {tmp_path / 'not.ndjson'}: No such file or directory\n"


def test_the_same_file_twice_is_one_application(running: House, up: Running, sources: Sources) -> None:
    subject = sources.application()
    event = sources.event("plaza", "application.submitted", 0.1, subject, kiosk="TWICE-01")
    replay(running, event)
    replay(running, event)

    where = f"token = '{token_of(up, subject)}'"
    running.wait_for(lambda: rows(running, f"SELECT count() AS n FROM events WHERE {where}") == [{"n": 2}])
    assert rows(running, f"SELECT hop, state FROM hops_now WHERE {where}") == [{"hop": "upload", "state": "open"}]


# stalls


@pytest.fixture(scope="module")
def soka(running: House) -> dict[str, str]:
    """Three applications of one booth that wait on the vendor's server, and one that never got there: since when -> id."""
    sources = Sources(random.Random("soka"))
    about = {"kiosk": "SOKA-01", "kiosk_municipality": TOWN, "residence_municipality": HOME}
    subjects = {
        "days": sources.application(),
        "day": sources.application(),
        "hours": sources.application(),
        "upload": sources.application(),
    }
    for name, hours in (("days", 100), ("day", 30), ("hours", 7)):
        replay(running, sources.event("plaza", "application.submitted", hours + 0.1, subjects[name], **about))
        replay(running, sources.event("plaza", "application.uploaded", hours, subjects[name], **about))
    replay(running, sources.event("plaza", "application.submitted", 2, subjects["upload"], **about))
    running.wait_for(lambda: len(held_at(running, "SOKA-01")) == 4 and held_at(running, "SOKA-01")[0]["level"] == "breach")
    return subjects


def test_what_is_held_is_listed_oldest_first_for_a_program(running: House, up: Running, soka: dict[str, str]) -> None:
    held = held_at(running, "SOKA-01")

    assert [(row["hop"], row["level"], row["last4"]) for row in held] == [
        ("forward", "breach", soka["days"][-4:]),
        ("forward", "warn", soka["day"][-4:]),
        ("forward", "notice", soka["hours"][-4:]),
        ("upload", "notice", soka["upload"][-4:]),
    ]
    assert [row["token"] for row in held] == [token_of(up, subject) for subject in soka.values()]
    assert {(row["vendor"], row["kiosk_municipality"], row["residence_municipality"]) for row in held} == {("plaza", TOWN, HOME)}
    assert {(row["duty_basis"], row["supervisor"]) for row in held} == {("none", "none")}


def test_what_is_held_is_a_table_for_people_without_broken_lines(running: House, up: Running, soka: dict[str, str]) -> None:
    said = running.tairyu("stalls", env={"COLUMNS": "40"})

    line = next(line for line in said.stdout.splitlines() if soka["days"][-4:] in line)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[:3] == [f"{token_of(up, soka['days'])[:8]}…{soka['days'][-4:]}", "forward", "plaza"]
    assert cells[4:] == ["breach", "SOKA-01", TOWN, HOME]
    assert "\x1b" not in said.stdout
    assert not any(subject in said.stdout for subject in soka.values())


@pytest.mark.parametrize(("by", "name", "count"), [("kiosk", "SOKA-01", 4), ("vendor", "plaza", 4), ("hop", "forward", 3)])
def test_what_is_held_is_counted_with_the_oldest(running: House, soka: dict[str, str], by: str, name: str, count: int) -> None:
    counted = {row["name"]: row for row in running.json("stalls", "--by", by, "--json")}
    table = running.tairyu("stalls", "--by", by).stdout

    assert counted[name]["held"] >= count
    assert counted[name]["oldest_at"] == held_at(running, "SOKA-01")[0]["entered_at"]
    assert next(line for line in table.splitlines() if f"│ {name} " in line).split()[3] == str(counted[name]["held"])


@pytest.mark.parametrize("form", ["--json", "table"])
def test_follow_prints_what_is_held_and_then_every_change(running: House, soka: dict[str, str], sources: Sources, form: str) -> None:
    subject = sources.application()
    mark = f'"last4":"{subject[-4:]}"' if form == "--json" else f"…{subject[-4:]}"
    submitted = sources.event("minato", "application.submitted", 3, subject, kiosk=f"FOLLOWED-{form}")
    with running.start("stalls", "--follow", *([form] if form == "--json" else [])) as process:
        try:
            first = read_until(process, soka["days"][-4:])
            replay(running, submitted)
            second = read_until(process, mark)  # raised
            replay(running, sources.event("minato", "application.uploaded", 0, subject))
            third = read_until(process, "held" if form == "table" else "[")  # cleared
        finally:
            rest = stop(process, signal.SIGINT)

    assert mark not in "".join(first)
    assert mark in second[-1]
    assert mark not in "".join(third) + rest
    assert "Traceback" not in rest
    assert process.returncode == 130


# where


def test_where_tells_who_holds_an_application(running: House, soka: dict[str, str]) -> None:
    running.wait_for(lambda: len(rows(running, "SELECT 1 FROM hops_now WHERE kiosk = 'SOKA-01' AND state = 'open'")) == 4)
    said = running.tairyu("where", text=soka["days"] + "\n")

    assert (said.returncode, said.stderr) == (0, "")
    sentence, *facts = said.stdout.splitlines()
    assert sentence.startswith(f"申請（下4桁 {soka['days'][-4:]}）は、20")
    assert "から「事業者サーバーからJ-LISへ」の段階で、キオスク事業者（plaza）のもとにあります。予定より遅れています。" in sentence
    assert "J-LIS受付はまだ確認されていません。" in sentence
    assert sentence.endswith("同じところで 3 件が待っています。お問い合わせ先：お住まいの市区町村の窓口")
    assert "  監督機関：監督する機関がない" in facts
    assert "  保持者の義務の根拠：義務の定めがない" in facts
    assert soka["days"] not in said.stdout


def test_where_answers_a_program(running: House, soka: dict[str, str]) -> None:
    [found] = running.json("where", "--json", text=soka["upload"])

    assert {name: found[name] for name in ("hop", "holder", "vendor", "level", "waiting_at_the_same_place", "received")} == {
        "hop": "upload",
        "holder": "vendor",
        "vendor": "plaza",
        "level": "notice",
        "waiting_at_the_same_place": 1,
        "received": None,
    }
    assert (found["duty_basis"], found["supervisor"]) == ("none", "none")
    assert list(found["milestones"]) == ["application.submitted"]
    assert found["since"] < found["expected_by"]


def test_where_knows_that_j_lis_has_received_it(running: House, sources: Sources) -> None:
    subject = sources.application()
    for hours, speaker, name in ((3.0, "plaza", "submitted"), (2.9, "plaza", "uploaded"), (1, "j-lis", "received")):
        replay(running, sources.event(speaker, f"application.{name}", hours, subject))

    def found() -> Any:
        return next(iter(running.json("where", "--json", text=subject)))

    running.wait_for(lambda: found()["hop"] == "screening")
    assert found()["received"] == found()["since"]
    assert "J-LIS受付は 20" in running.tairyu("where", text=subject).stdout


def test_where_takes_no_notice_of_what_was_taken_back(running: House, sources: Sources) -> None:
    subject = sources.application()
    received = sources.event("j-lis", "application.received", 1, subject)
    taken_back = sources.event("j-lis", "event.corrected", 0.5, subject, source=received["source"], id=received["id"], reason="mix-up")
    replay(running, sources.event("plaza", "application.uploaded", 2, subject), received, taken_back)

    def found() -> Any:
        return next(iter(running.json("where", "--json", text=subject)))

    running.wait_for(lambda: found()["hop"] == "forward")
    assert found()["received"] is None


def test_where_tells_of_an_application_that_is_done(running: House, sources: Sources) -> None:
    subject = sources.application()
    replay(running, sources.event("j-lis", "application.accepted", 30, subject), sources.event("j-lis", "card.dispatched", 20, subject))
    replay(running, sources.event(TOWN, "card.arrived", 9, subject), sources.event(TOWN, "notice.sent", 5, subject))
    replay(running, sources.event(TOWN, "card.handed_over", 1, subject))
    running.wait_for(lambda: "card.handed_over" in running.json("where", "--json", text=subject)[0]["milestones"])
    running.wait_for(lambda: running.json("where", "--json", text=subject)[0]["hop"] is None)
    said = running.tairyu("where", text=subject)

    assert said.returncode == 0
    assert "に「交付」まで済んでいます。" in said.stdout.splitlines()[0]
    assert "待っています" not in said.stdout


def test_that_nobody_has_reported_it_is_an_answer(running: House, sources: Sources) -> None:
    subject = sources.application()
    said = running.tairyu("where", text=subject)

    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == (
        f"申請（下4桁 {subject[-4:]}）については、まだどこからも報告を受けていません。"
        "撮影機の控えと日付をご確認のうえ、窓口にお知らせください。\n"
    )
    [found] = running.json("where", "--json", text=subject)
    assert found == {"last4": subject[-4:], "reported": False, "milestones": {}, "received": None, "hop": None}


def test_an_id_is_taken_as_people_write_it(running: House, soka: dict[str, str]) -> None:
    wide = soka["days"].translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    typed = (f" {soka['days'][:8]}-{soka['days'][8:]}", f"{wide[:8]} {wide[8:]} ")
    answers = [running.json("where", "--json", text=text) for text in typed]

    assert [found["last4"] for [found] in answers] == [soka["days"][-4:]] * 2
    assert [found["hop"] for [found] in answers] == ["forward"] * 2


def test_typed_at_a_terminal_an_id_is_asked_for_and_not_echoed(running: House, soka: dict[str, str]) -> None:
    master, terminal = os.openpty()
    command = [*COMMAND, "where", "--json"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, text=True, env=running.env, start_new_session=True
    ) as process:
        seen = b""
        while "）: ".encode() not in seen:  # the prompt comes after the echo is off
            seen += os.read(master, 1_000)
        os.write(master, f"{soka['days']}\n".encode())
        found = json.loads(process.communicate(timeout=60)[0])
        seen += os.read(master, 1_000)
    os.close(terminal)
    os.close(master)

    assert seen.decode().strip() == "申請書ID（23桁）:"
    assert found["last4"] == soka["days"][-4:]


@pytest.mark.parametrize("length", [0, 12, 22, 24])
def test_what_is_no_id_is_not_echoed(running: House, sources: Sources, length: int) -> None:
    typed = (sources.application() * 2)[:length]
    said = running.tairyu("where", text=typed)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"tairyu: that is no application's id (申請書ID): expected [0-9]{{23}}, got {length} characters\n"


def test_an_id_is_no_argument_and_is_not_repeated_if_it_is_one(running: House, sources: Sources) -> None:
    subject = sources.application()
    said = running.tairyu("where", subject)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("tairyu: where takes no argument: it asks for the id, or reads it from standard input.")
    assert subject not in said.stderr


def test_no_id_gets_into_any_log(running: House, up: Running, soka: dict[str, str]) -> None:
    running.json("where", "--json", text=soka["days"])

    logs = [path.read_text(errors="replace") for path in (Path(up.folder) / "logs").iterdir()]
    kept = running.tairyu("export", "custody-log").stdout + running.tairyu("export", "stall-events").stdout
    assert len(logs) >= 3
    assert not any(subject in text for subject in soka.values() for text in (*logs, kept))


# query


def test_query_prints_a_table_csv_and_json(running: House) -> None:
    sql = "SELECT 'a|b' AS word, 1 AS number, NULL AS nothing, toDateTime64('2026-04-01 00:00:00.5', 6, 'UTC') AS at, ['x', 'y'] AS list"
    table, text = running.tairyu("query", sql), running.tairyu("query", sql, "--format", "csv")

    assert [cell.strip() for cell in table.stdout.splitlines()[3].strip("│").split(" │")] == [
        *("a|b", "1", "", "2026-04-01T00:00:00.500000Z", '["x","y"]')
    ]
    assert list(csv.reader(io.StringIO(text.stdout))) == [
        ["word", "number", "nothing", "at", "list"],
        ["a|b", "1", "", "2026-04-01T00:00:00.500000Z", '["x","y"]'],
    ]
    for form in (["--json"], ["--format", "json"]):
        assert running.json("query", sql, *form) == [
            {"word": "a|b", "number": 1, "nothing": None, "at": "2026-04-01T00:00:00.500000Z", "list": ["x", "y"]}
        ]
    assert running.json("query", "-", "--json", text="SELECT 2 AS n") == [{"n": 2}]


def test_what_a_source_has_written_gives_no_orders_to_the_terminal(running: House) -> None:
    said = running.tairyu("query", "SELECT '[red]x[/red]' AS a, 'y\\x1b[2Jz' AS b")

    assert "│ [red]x[/red] │ y\N{REPLACEMENT CHARACTER}[2Jz │" in said.stdout


@pytest.mark.parametrize(
    "sql", ["DROP TABLE events", "INSERT INTO events (token) VALUES ('x')", "TRUNCATE TABLE hops", "SELECT 1; SELECT 2"]
)
def test_query_only_reads(running: House, sql: str) -> None:
    before = rows(running, "SELECT count() AS n FROM system.tables WHERE database = 'tairyu'")
    said = running.tairyu("query", sql)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("tairyu: history could not answer: ")
    assert said.stderr.count("\n") == 1
    assert rows(running, "SELECT count() AS n FROM system.tables WHERE database = 'tairyu'") == before


def test_a_named_query_answers_for_a_municipality(running: House, sources: Sources) -> None:
    subject = sources.application()
    replay(running, sources.event("tokiwa", "application.submitted", 0.1, subject, kiosk="NAMED", residence_municipality=HOME))
    asked = ("query", "open_now", "hop=upload", "--for")
    running.wait_for(lambda: bool(running.json(*asked, HOME, "--json")))

    assert {row["party"] for row in running.json(*asked, "all", "--json")} >= {"tokiwa"}
    assert running.json(*asked, ELSEWHERE, "--json") == []
    said = running.tairyu(*asked, "112217")
    assert (said.returncode, said.stderr) == (
        2,
        "tairyu: '112217' is no municipality's code: six digits, of which the last is a check digit\n",
    )


def test_a_report_is_a_page_and_says_where_nothing_is_known(running: House, sources: Sources, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    said = running.tairyu("report", "--municipality", ELSEWHERE, "--month", "2019-02", "--out", path)

    assert (said.returncode, said.stdout) == (0, f"{path} written: open it in a browser, and print it from there\n")
    assert "記録が一件も届いていない" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "month", "sentence"),
    [
        ("112217", "2026-04", "--municipality: '112217' is no municipality's code"),
        ("112216", "2026-13", "--month: expected a month such as 2026-04, got '2026-13'"),
        ("112216", "April", "--month: expected a month such as 2026-04, got 'April'"),
    ],
)
def test_a_report_of_no_month_or_town_is_a_sentence(running: House, code: str, month: str, sentence: str) -> None:
    said = running.tairyu("report", "--municipality", code, "--month", month)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: {sentence}")


def test_the_named_queries_are_listed_and_each_with_its_columns(house: House) -> None:
    names = [row["query"] for row in house.json("query", "--list", "--json")]
    assert "hop_times" in names
    columns = house.json("query", "hop_times", "--list", "--json")
    assert {"name": "median_h", "": "column", "what": "half of all take no longer; null while too many are open to tell"} in columns


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["open_now"], "for which municipality? Give its code of six digits, several with commas between, or all"),
        (["open_now", "hop", "--for", "all"], "'hop': expected NAME=VALUE, for example hop=forward"),
        (
            ["hop_times", "--for", "all"],
            "hop_times needs hop=…: which hop of the policy: upload, forward, screening, correction, issuance, delivery, notice, pickup",
        ),
        (
            ["known_at", "at=2026-04-01T09:00:00", "--for", "all"],
            "at=2026-04-01T09:00:00: expected an instant with an offset such as 2026-04-01T09:00:00+09:00, or a day",
        ),
        (
            ["SELECT 1", "--for", "all"],
            "SQL has no parameters here, and is the operator's alone: --for and NAME=VALUE go with a named query",
        ),
        ([], "what is asked? Name a query (tairyu query --list), or give one statement of SQL"),
    ],
)
def test_a_query_that_is_named_wrong_is_a_sentence(house: House, arguments: list[str], sentence: str) -> None:
    said = house.tairyu("query", *arguments)
    assert (said.returncode, said.stdout, said.stderr) == (2, "", f"tairyu: {sentence}\n")


@pytest.mark.parametrize("sql", ["SELECT nope FROM events", "SELECT * FROM nowhere", "SELEC 1", ""])
def test_sql_that_is_wrong_is_one_sentence(running: House, sql: str) -> None:
    said = running.tairyu("query", sql)

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("tairyu: history could not answer: ")
    assert said.stderr.count("\n") == 1
    assert "version" not in said.stderr


# topics


@pytest.mark.parametrize("named", [False, True])
def test_the_topics_of_a_running_set_up_are_checked_and_made_without_naming_its_broker(running: House, up: Running, named: bool) -> None:
    data = ["--data", up.folder] if named else []
    checked, made = running.tairyu("topics", "--check", *data), running.tairyu("topics", "--create", *data)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "All topics are as their cards say.\n", "")
    assert (made.returncode, made.stdout, made.stderr) == (0, "0 topics created\n", "")


def test_topics_are_checked_as_the_settings_of_the_set_up_have_them_whatever_the_environment_says(running: House, up: Running) -> None:
    said = running.tairyu("topics", "--check", "--data", up.folder, env={"TAIRYU_BROKERS": "127.0.0.1:1", "TAIRYU_LOG_PARTITIONS": "9"})

    assert (said.returncode, said.stdout) == (0, "All topics are as their cards say.\n")


def test_no_rights_are_given_at_the_embedded_broker(running: House, up: Running) -> None:
    said = running.tairyu("topics", "rights", "--apply")

    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith(f"tairyu: the embedded broker at {up.brokers} knows no rights: ")


# export


@pytest.mark.parametrize("log", ["custody-log", "stall-events"])
def test_a_log_is_exported_as_json_lines_in_its_order(running: House, soka: dict[str, str], log: str) -> None:
    lines = running.json("export", log)

    assert {tuple(line) for line in lines} == {("partition", "offset", "key", "value")}
    places = [(line["partition"], line["offset"]) for line in lines]
    assert places == sorted(set(places))
    assert {number for number, _ in places} == {0, 1, 2, 3}


def test_an_exported_log_judged_again_says_what_the_watch_has_said(running: House, soka: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "custody-log.ndjson"
    said = running.tairyu("export", "stall-events").stdout.splitlines()
    path.write_text(running.tairyu("export", "custody-log").stdout)
    judged = running.tairyu("judge", "--log", path, "--policy", running.more["TAIRYU_POLICY"]).stdout.splitlines()

    # the log was read later, so it may say more at the end of each partition
    for number in range(4):
        watched = [[line["key"], line["value"]] for line in map(json.loads, said) if line["partition"] == number]
        again = [[line["key"], line["value"]] for line in map(json.loads, judged) if line["partition"] == number]
        assert watched
        assert again[: len(watched)] == watched


def test_a_reader_that_closes_early_is_no_error(running: House, soka: dict[str, str]) -> None:
    for command in (["export", "custody-log"], ["query", "SELECT number, repeat('x', 99) FROM numbers(20000)", "--format", "csv"]):
        with running.start(*command) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
        assert process.returncode == 0
