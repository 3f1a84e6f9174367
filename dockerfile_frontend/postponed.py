"""inspect, imported when somebody uses it.

    postpone_inspect()     a later `import inspect`, in code that is not ours, costs nothing until a name of it is asked for

click and dataclasses import it, and it imports ast, dis and tokenize: 5 ms, a tenth of a cached build or of a frontend's start. All
that click asks it for in most runs of `dfc` is to tidy the help of its options, which are lines.
"""

from __future__ import annotations

import sys
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import Any

NAME = "inspect"


def postpone_inspect() -> None:
    """Put a stand-in where `import` looks for it, unless it is loaded already."""
    if NAME not in sys.modules:
        sys.modules[NAME] = _Postponed(NAME)


class _Postponed(ModuleType):
    """Makes room for the module when it is asked for anything else, and goes on answering for it to those who hold this."""

    _loading = RLock()

    @staticmethod
    def cleandoc(doc: str) -> str:
        """As inspect's own, which texts of several lines are left to."""
        if "\n" not in doc:
            return doc.expandtabs().lstrip()
        found: str = import_inspect().cleandoc(doc)
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  any name of a module
        if name.startswith("__"):
            raise AttributeError(name)  # the import machinery looks for some, and does without
        return getattr(import_inspect(), name)


def import_inspect() -> Any:  # noqa: ANN401  a module
    with _Postponed._loading:  # noqa: SLF001  of this file
        if isinstance(sys.modules.get(NAME), _Postponed):
            del sys.modules[NAME]
        return import_module(NAME)
