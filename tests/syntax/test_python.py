from __future__ import annotations

import re
import types

import pytest

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.syntax import parser


def test_this_python_reads_possessive_patterns_right() -> None:
    parser.check_python()


def test_a_python_that_would_misread_dockerfiles_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = re.compile(".*")
    monkeypatch.setattr(parser, "re", types.SimpleNamespace(match=lambda _pattern, text: whole.match(text)))
    with pytest.raises(DockerfileError, match="gh-106052") as caught:
        parser.check_python()
    assert caught.value.code == "python"
    assert "3.11.5" in caught.value.hint
