"""Who may do what, as cards and parties say. What a broker makes of it: tests/secured."""

from pathlib import Path

from schemas.cards import load_cards
from streams.parties import load_parties, public_feeds
from streams.policy_file import load_policies
from streams.rights import Right, command_lines, rights_of
from streams.settings import Settings

SETTINGS = Settings()
CARDS = load_cards()


def generated(**more: object) -> list[Right]:
    policy = load_policies(SETTINGS.policy).newest
    return rights_of(SETTINGS, CARDS, public_feeds(load_parties(SETTINGS.parties), policy, CARDS), **more)  # type: ignore[arg-type]


def held_by(found: list[Right], name: str) -> set[tuple[str, str]]:
    return {(right.operation, right.name) for right in found if right.principal == f"User:{name}"}


def test_a_vendor_may_write_its_own_topic_and_nothing_else() -> None:
    assert held_by(generated(), "plaza") == {("Write", "kiosk-events.plaza")}


def test_where_many_speak_in_one_topic_only_the_gateway_may_write() -> None:
    found = generated()

    assert held_by(found, "municipal-events-gateway") == {("Write", "municipal-events")}
    assert {right.principal for right in found if right.name == "municipal-events" and right.operation == "Write"} == {
        "User:municipal-events-gateway"
    }


def test_only_the_watch_may_judge_and_only_intake_may_write_the_log() -> None:
    writers = {right.name: right.principal for right in generated() if right.operation == "Write" and right.kind == "topic"}

    assert writers["custody-log"] == "User:tairyu-intake"
    assert {writers[name] for name in ("stall-events", "stalls", "applications")} == {"User:tairyu-watch"}


def test_a_subscriber_reads_verdicts_in_groups_of_its_own() -> None:
    found = generated(subscribers=["soka"])

    assert held_by(found, "soka") == {("Read", "stall-events"), ("Read", "stalls"), ("Read", "soka-"), ("Describe", "tairyu-reader")}
    assert held_by(generated(), "soka") == set()


def test_with_certificates_a_principal_is_named_otherwise() -> None:
    assert {right.principal for right in generated(principal="User:CN={},O=Tairyu")} >= {"User:CN=plaza,O=Tairyu"}


def test_each_line_is_a_call_of_kafkas_own_tool() -> None:
    lines = command_lines(generated(), "kafka-1:9093")

    assert (
        "kafka-acls.sh --bootstrap-server kafka-1:9093 --command-config admin.properties --add --allow-principal 'User:tairyu-watch'"
        " --operation Write --transactional-id tairyu-watch- --resource-pattern-type prefixed"
    ) in lines
    assert len(lines) == len(set(lines))


def test_a_retired_vendor_has_no_right(tmp_path: Path) -> None:
    text = SETTINGS.parties.read_text()
    parties = tmp_path / "parties.yaml"
    parties.write_text(text.replace("    sources: [/vendors/minato/]", "    sources: [/vendors/minato/]\n    retired: true"))
    feeds = public_feeds(load_parties(parties), load_policies(SETTINGS.policy).newest, CARDS)

    assert held_by(rights_of(SETTINGS, CARDS, feeds), "minato") == set()
