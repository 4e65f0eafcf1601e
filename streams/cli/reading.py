"""The events of somebody's own files, as the door would take them: what ``judge``, ``check`` and ``replay`` have in common."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Protocol

import msgspec
import typer

from schemas.events import Event
from schemas.reasons import Refused
from streams.cli.answers import Sorry
from streams.files import read_lines
from streams.parties import Parties

Speaker = Annotated[
    str | None, typer.Option("--speaker", help="Take each line for a record in this party's topic; default: its `speaker`.")
]


def check_speaker(name: str | None, parties: Parties) -> None:
    """Sorry if ``--speaker`` names nobody."""
    if name is not None and parties.role(name) is None:
        names = ", ".join(parties.parties)
        raise Sorry(f"--speaker: nobody of the name {name!r} is a party here; {names} are, and municipalities by their codes")


class Admit(Protocol):
    def __call__(self, line: bytes, *, origin: str) -> Event:
        """The event of a line; raises Refused."""


class Reading:
    """The accepted events of files; each line that is refused is told with its file and number."""

    def __init__(self, admit: Admit, paths: Sequence[str], tell_refused: Callable[[str, int, Refused], None]) -> None:
        self._admit, self._paths, self._tell_refused = admit, paths, tell_refused
        self.subjects: dict[str, str] = {}
        """Token -> the id that the files have for it: a user's own files, shown to nobody else."""
        self.refused = 0

    def events(self) -> Iterator[Event]:
        """FileError if a file cannot be read."""
        for path in self._paths:
            for number, line in read_lines(path):
                try:
                    event = self._admit(line, origin=f"{path}:{number}")
                except Refused as refused:
                    self.refused += 1
                    self._tell_refused(path, number, refused)
                    continue
                if event.subject is not None and event.subject not in self.subjects:
                    self.subjects[event.subject] = msgspec.json.decode(line).get("subject", "")
                yield event
