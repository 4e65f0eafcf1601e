"""Parties, policies and calendars as they were: each content once, with what it said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse import Store
from sinks.migrate import read_migrations
from sinks.references import TABLES, Version, versions
from streams.marked_yaml import PolicyError
from streams.parties import load_parties
from streams.policy_file import load_policies

FILES = Path(__file__).parents[2] / "streams" / "policies"
OVERRIDE = """overrides:
  - {name: tokiwa-slow, match: {vendor: tokiwa, kiosk_municipality: "112216"}, hop: forward, set: {limits: {notice: 90m, warn: 1d}}}
"""


def said(policy: Path = FILES / "my-number-card.yaml", parties: Path = FILES / "parties.yaml") -> list[Version]:
    policies = load_policies(policy)
    return [*versions(load_parties(parties, policies.newest), policies)]


def rewritten(folder: Path, name: str, before: str, after: str) -> Path:
    """One of the files, in a folder of its own, with another text in one place."""
    for path in FILES.rglob("*.yaml"):
        to = folder / path.relative_to(FILES)
        to.parent.mkdir(exist_ok=True)
        to.write_text(path.read_text(encoding="utf-8").replace(before, after) if path.name == name else path.read_text(encoding="utf-8"))
    return folder / name


def count(store: Store) -> dict[str, int]:
    return {table: store.query(f"SELECT count() FROM {table}")[0][0] for table in TABLES}


def test_each_content_is_kept_once_whoever_starts_and_however_often(open_store: Callable[[], Store]) -> None:
    store, other = open_store(), open_store()
    store.migrate(read_migrations())

    assert [store.keep(version) for version in said()] == [True, True, True]
    first, used = count(store), store.query("SELECT DISTINCT first_used_at FROM parties")
    assert len(used) == 1
    assert [other.keep(version) for version in said()] == [False, False, False]

    assert count(store) == first == {"parties": 5, "policies": 8, "calendars": 16 * 365 + 4}
    assert store.query("SELECT DISTINCT first_used_at FROM parties") == used


def test_two_that_start_at_once_write_it_once(store: Store, open_store: Callable[[], Store]) -> None:
    class Blind(Store):
        """Has looked before anybody wrote."""

        def query(self, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
            return []

    other = open_store()
    other.__class__ = Blind
    for version in said():
        assert store.keep(version)
        other.keep(version)

    assert count(store) == {"parties": 5, "policies": 8, "calendars": 16 * 365 + 4}


def test_the_tables_say_what_the_files_say(store: Store, tmp_path: Path) -> None:
    for version in said(rewritten(tmp_path, "my-number-card.yaml", "overrides: []\n", OVERRIDE)):
        store.keep(version)

    named = "name, kind, role, municipality, duty_basis, supervisor, own_feed, sources, retired, partitions"
    assert store.query(f"SELECT {named} FROM parties WHERE name IN ('plaza', 'municipality_code')") == [
        ("municipality_code", "family", "municipality", None, "statute", "unknown", 0, ["/municipalities/{party}/"], 0, None),
        ("plaza", "party", "vendor", None, "none", "none", 1, ["/vendors/plaza/"], 0, None),
    ]
    named = "rule, matches, place, begins, ends, holder, duty_basis, supervisor, clock, calendar_version, levels, limits"
    hop = ["application.uploaded"], ["application.received"], "vendor", "none", "none", "wall", None
    assert store.query(f"SELECT {named} FROM policies WHERE version = '2026-1' AND hop = 'forward' ORDER BY rule") == [
        ("default", [], 2, *hop, ["notice", "warn", "breach"], [21_600.0, 86_400.0, 259_200.0]),
        ("tokiwa-slow", ["vendor=tokiwa", "kiosk_municipality=112216"], 2, *hop, ["notice", "warn"], [5_400.0, 86_400.0]),
    ]
    golden_week = "SELECT toString(day), open FROM calendars JOIN policies ON calendars.version = calendar_version AND hop = 'notice'"
    assert store.query(f"{golden_week} WHERE day BETWEEN '2026-05-01' AND '2026-05-07' ORDER BY day") == [
        (f"2026-05-0{day}", int(day in (1, 7))) for day in range(1, 8)
    ]


def test_what_says_the_same_is_the_same_version_and_what_does_not_is_another(tmp_path: Path) -> None:
    parties, policy, calendar = said()

    comments = rewritten(tmp_path / "a", "my-number-card.yaml", "# Who speaks.", "# Who may speak.")
    assert [version.digest for version in said(comments)] == [parties.digest, policy.digest, calendar.digest]
    slower = rewritten(tmp_path / "b", "my-number-card.yaml", "notice: 6h, warn: 24h", "notice: 7h, warn: 24h")
    assert [version.digest == was.digest for version, was in zip(said(slower), (parties, policy, calendar), strict=True)] == [
        True,
        False,
        True,
    ]
    retired = rewritten(tmp_path / "c", "parties.yaml", "  tokiwa:\n", "  tokiwa:\n    retired: true\n")
    assert [version.digest == was.digest for version, was in zip(said(parties=retired), (parties, policy, calendar), strict=True)] == [
        False,
        True,
        True,
    ]


def test_contacts_are_in_no_table_and_may_be_people() -> None:
    policies = load_policies(FILES / "my-number-card.yaml")
    parties = load_parties(FILES / "parties.yaml", policies.newest)
    known = replace(parties, parties={name: replace(party, contact="山田太郎") for name, party in parties.parties.items()})

    assert all("山田" not in str(version.rows) for version in versions(known, policies))


def test_a_parties_file_with_a_mistake_is_named_before_anything_is_kept(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such key"):
        said(parties=rewritten(tmp_path, "parties.yaml", "    role: vendor\n", "    role: vendor\n    whose: x\n"))
