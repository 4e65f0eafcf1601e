"""Policy files of several versions: the shipped one, and further documents with some of its words replaced."""

from pathlib import Path

from streams.policy import Policies
from streams.policy_file import load_policies

SHIPPED = Path(__file__).parents[2] / "streams" / "policies" / "my-number-card.yaml"


def document(text: str, *changes: tuple[str, str]) -> str:
    """The text with words replaced, each the first of its kind."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def next_version(text: str, version: str, effective: str, *changes: tuple[str, str]) -> str:
    """A further document of the same procedure."""
    return document(text, ("version: 2026-1", f"version: {version}"), ("effective: epoch", f"effective: {effective}"), *changes)


def policies_of(folder: Path, *documents: str) -> Policies:
    """Loaded from one file, as the stages load it."""
    path = folder / f"{len(documents)}.yaml"
    calendars = SHIPPED.parent / "calendars"
    path.write_text("\n---\n".join(documents).replace("calendars/", f"{calendars}/"), encoding="utf-8")
    return load_policies(path)
