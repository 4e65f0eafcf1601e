"""What is found wrong with a set-up, a line each: what it is, and what to do."""

from typing import NamedTuple


class Finding(NamedTuple):
    where: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.wrong}: {self.remedy}"
