"""Breaks one thing on purpose: in every Python process that is started with this folder on its PYTHONPATH and ``TAIRYU_TEST_VARIANT`` set.

Nothing of the product knows of it. Python imports a module of this name at its start; the module of the product that a variant is
about is changed right after it was loaded, before anybody could take a name from it.
"""

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class Breaking(MetaPathFinder, Loader):
    """Loads the named module as usual, then breaks it."""

    def __init__(self, variant: str) -> None:
        from broken import VARIANTS

        self._target, self._break = VARIANTS[variant]
        self._loader: Loader | None = None

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._target:
            return None
        spec = PathFinder.find_spec(name, path)  # type: ignore[arg-type]
        assert spec is not None
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        assert self._loader is not None
        self._loader.exec_module(module)
        self._break(module)


if os.environ.get("TAIRYU_TEST_VARIANT"):
    sys.meta_path.insert(0, Breaking(os.environ["TAIRYU_TEST_VARIANT"]))
