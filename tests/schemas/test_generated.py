"""What is generated and committed is what the types, cards, policy and reasons say now."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from schemas.cards import load_cards
from schemas.events_page import QUOTED, columns, events_page, may_say
from schemas.generate import ASYNCAPI, EXAMPLES, PAGE, POLICY, ROOT, SCHEMAS, SUBSCRIBING, generated, main, stale, write
from schemas.json_schemas import MESSAGES, field_prose, json_schema, kebab
from schemas.reasons import Reason
from schemas.records import Verdict
from schemas.situations import EXAMPLES as SITUATIONS
from schemas.situations import situation
from schemas.subscribing_page import PROGRAMS
from streams.files import COLUMNS, read_lines
from streams.gate import sayers
from streams.policy_file import load_policies
from streams.stalls import Kind


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_committed_files_are_what_would_be_generated() -> None:
    done = subprocess.run([sys.executable, "-m", "schemas.generate", "--check"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_was_just_written_is_not_stale(tmp_path: Path) -> None:
    write(tmp_path)
    assert stale(tmp_path) == []
    assert main(["--check"], tmp_path) == 0


def test_a_file_that_differs_is_named_and_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    (tmp_path / PAGE).write_text("by hand", encoding="utf-8")
    assert main(["--check"], tmp_path) == 1
    assert capsys.readouterr().out == "docs/events.md: differs: run python -m schemas.generate\n"
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == "by hand"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / SCHEMAS / "pulse.schema.json").unlink()
    assert stale(tmp_path) == ["schemas/json/pulse.schema.json: is missing: run python -m schemas.generate"]


def test_the_schema_of_a_message_that_is_no_more_is_named_and_then_removed(tmp_path: Path) -> None:
    write(tmp_path)
    old = tmp_path / SCHEMAS / "telegram.schema.json"
    old.write_text("{}", encoding="utf-8")
    assert stale(tmp_path) == ["schemas/json/telegram.schema.json: is the schema of no message"]
    assert main([], tmp_path) == 0
    assert not old.exists()


@pytest.mark.parametrize("message", MESSAGES)
def test_a_schema_is_json_schema_2020_12_and_complete_in_itself(message: str) -> None:
    schema = json_schema(MESSAGES[message])
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:tairyu:schema:{kebab(message)}"
    assert schema["title"] == message
    assert schema["description"]
    refs = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)))
    assert refs == {f"#/$defs/{name}" for name in schema.get("$defs", {})}


def test_a_schema_repeats_the_prose_under_a_field() -> None:
    schema = json_schema(MESSAGES["Pulse"])
    assert schema["properties"]["at"]["description"] == field_prose("Pulse")["at"] == "The writer's clock reading."


def test_the_elements_of_an_applications_array_have_names() -> None:
    titles = [element["title"] for element in json_schema(MESSAGES["Application"])["prefixItems"]]
    assert titles[:4] == ["version", "last4", "vendors", "contributions"]


def test_a_schema_tells_what_its_type_alone_cannot() -> None:
    event = Draft202012Validator(json_schema(MESSAGES["PublicEvent"]))
    good = {"specversion": "1.0", "id": "1", "source": "/a", "type": "jp.tairyu.card.issued"}
    assert event.is_valid(good)
    assert not event.is_valid(good | {"specversion": "0.3"})
    assert not event.is_valid(good | {"type": "card.issued"})


def test_the_page_says_of_each_type_what_the_gate_does() -> None:
    policy = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    assert {name: frozenset(roles) for name, roles in may_say(policy).items()} == sayers(load_policies(POLICY).newest)


def test_the_page_names_every_type_reason_field_and_public_topic(page: str) -> None:
    names = [*may_say(yaml.safe_load(POLICY.read_text(encoding="utf-8"))), *Reason, *columns()]
    assert [name for name in names if f"`{name}`" not in page] == []
    assert [card.name for card in load_cards().values() if card.public and card.name.replace("{party}", "VENDOR") not in page] == []


def test_the_page_tells_of_each_reason_what_to_do(page: str) -> None:
    assert [reason for reason in Reason if f"| `{reason}` | {reason.when} | {reason.remedy} |" not in page] == []


def test_the_page_has_the_columns_that_a_file_may_have() -> None:
    assert tuple(columns()) == COLUMNS


def test_the_csv_example_stands_for_the_same_events_as_the_ndjson_one() -> None:
    rows = [json.loads(line) for _, line in read_lines(str(SITUATIONS / "files" / "events.csv"))]
    assert rows == [json.loads(line) for line in situation("files", "same-as-events-csv").values()]


def test_the_page_follows_another_policy(tmp_path: Path) -> None:
    policy = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    policy["milestones"]["card.engraved"] = {"label": "刻印", "speakers": ["j-lis"], "passes_to": "post"}
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")
    assert "| `card.engraved` | 刻印 | j-lis (地方公共団体情報システム機構（J-LIS）) | required | 郵便 |" in events_page(
        load_cards(), path, ROOT / EXAMPLES
    )


def test_the_senders_page_quotes_its_examples(page: str) -> None:
    for example in QUOTED.values():
        assert (ROOT / EXAMPLES / example).read_text(encoding="utf-8") in page


def test_every_example_of_the_documents_is_quoted(page: str) -> None:
    quoted = {*QUOTED.values(), *PROGRAMS.values()}
    assert {path.name for path in (ROOT / EXAMPLES).iterdir() if path.is_file()} == quoted


def test_the_subscribers_page_quotes_its_programs_and_names_every_field_kind_and_reason() -> None:
    page = (ROOT / SUBSCRIBING).read_text(encoding="utf-8")
    for program in PROGRAMS.values():
        assert (ROOT / EXAMPLES / program).read_text(encoding="utf-8") in page
    said = [*Verdict.__struct_fields__, *get_args(Kind), "in_time", "end_unobserved", "corrected", "never_opened"]
    assert [name for name in said if f"`{name}`" not in page] == []


def test_nothing_else_is_generated() -> None:
    assert generated().keys() == {PAGE, SUBSCRIBING, ASYNCAPI, *(SCHEMAS / f"{kebab(message)}.schema.json" for message in MESSAGES)}
