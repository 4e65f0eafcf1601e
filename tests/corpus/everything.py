"""The whole corpus, from a seed."""

from itertools import chain
from random import Random

from tests.corpus import binary_mode, broken_text, disguises, odd_but_right, wrong_fields, wrong_rights
from tests.corpus.cases import Case
from tests.corpus.disguises import Number

SEED = 510
GROUPS = (broken_text, wrong_fields, wrong_rights, binary_mode, odd_but_right)


def hostile(seed: int = SEED) -> list[Case]:
    """All records without an individual number, in the order of the files."""
    rng = Random(seed)
    return list(chain.from_iterable(group.cases(rng) for group in GROUPS))


def disguised(seed: int = SEED) -> list[tuple[Case, Number]]:
    return disguises.cases(Random(seed + 1))
