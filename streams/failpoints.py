"""Named places between two effects, at which a test can end or freeze this very process. Without its order they are inert.

``TAIRYU_FAILPOINT=PLACE[:N][:freeze]`` in the environment: the N-th time (from 1) that PLACE is reached, the process is killed
(SIGKILL), or stopped (SIGSTOP) until somebody wakes it. What was handed to a client before that place has left it then.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Literal, get_args

VARIABLE = "TAIRYU_FAILPOINT"

Place = Literal[
    # intake: the batch's records stand in the open transaction, the inputs' positions do not.
    "intake.after_produce",
    # intake: the positions are in the transaction too; it is still open.
    "intake.after_offsets",
    # intake: the broker has committed, this process has not noted it.
    "intake.after_commit",
    # watch: earlier owners of the partition are fenced, nothing is loaded.
    "watch.after_fencing",
    # watch: some of the partition's ledger has been read (again and again, as it is read).
    "watch.in_loading",
    # watch: transitions, records and the applied record stand in the open transaction.
    "watch.after_produce",
    # watch: the broker has committed; the thread that commits has not returned.
    "watch.after_commit",
    # watch: the commit is known, memory does not follow it yet.
    "watch.before_memory",
    # history: a range is cut, nothing of it is inserted.
    "history.before_insert",
    # history: a range's rows stand in one of its tables (reached once per table with rows).
    "history.after_insert",
    # history: all rows of a range are inserted, the range is not entered.
    "history.before_entering",
    # history: the range is entered; the group's offsets are not committed.
    "history.after_entering",
    # history: a statement of a migration is done (reached once per statement).
    "history.in_migration",
    # history: all statements of a migration are done, and it is not registered.
    "history.before_registering",
    # history: one version of the parties, a policy or a calendar is kept.
    "history.after_keeping",
    # history: hops are to be compacted, and no hop is.
    "history.in_compacting",
    # history: all hops are compacted beside those that were before.
    "history.before_exchange",
    # history: they have taken their place; the old ones are there, too.
    "history.after_exchange",
    # import: a worker has put a chunk's records into the files of their shares.
    "import.in_reading",
    # import: a worker has judged a share, and told nobody.
    "import.in_judging",
    # import: a share's rows are ready, and stand in none of its tables.
    "import.before_insert",
    # import: a share's rows stand in one of its tables (reached once per table with rows).
    "import.after_insert",
    # import: all rows are inserted, and no range is entered.
    "import.before_entering",
    # import: all ranges are entered.
    "import.after_entering",
]


class _Order:
    """What the environment asks for."""

    def __init__(self, text: str) -> None:
        place, *rest = text.split(":")
        if place not in get_args(Place):
            raise ValueError(f"{VARIABLE}: there is no place {place!r}; there are {', '.join(get_args(Place))}")
        self.place = place
        self.freeze = rest[-1:] == ["freeze"]
        numbers = rest[: len(rest) - self.freeze]
        self.left = int(numbers[0]) if numbers else 1
        if self.left < 1 or len(numbers) > 1:
            raise ValueError(f"{VARIABLE}: expected PLACE[:N][:freeze], N from 1, got {text!r}")
        self._lock = threading.Lock()

    def reach(self, place: str, settle: Callable[[], object]) -> None:
        if place != self.place:
            return
        with self._lock:  # other threads that come here stay here, too
            self.left -= 1
            if self.left == 0:
                settle()
                os.kill(os.getpid(), signal.SIGSTOP if self.freeze else signal.SIGKILL)


_order = _Order(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def _nothing() -> None:
    return None


def reach(place: Place, settle: Callable[[], object] = _nothing) -> None:
    """Say that ``place`` is reached. ``settle`` is called only where the order is carried out: it makes sure that what was handed
    over before has really left (``Producer.flush``), so that the effect before this place is there, and the one after it is not."""
    if _order is not None:
        _order.reach(place, settle)
