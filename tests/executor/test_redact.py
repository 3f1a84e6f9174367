"""Who asks does not show in what is printed and kept."""

from __future__ import annotations

import pytest

from dockerfile_frontend.executor.redact import passwords, without_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://host/x", "https://host/x"),
        ("https://joe:s3cret@host/x", "https://xxxxx:xxxxx@host/x"),
        ("https://token@host/x", "https://xxxxx@host/x"),
        ("https://:s3cret@host/x", "https://:xxxxx@host/x"),
        ("https://joe:s3@cret@host/x@y", "https://xxxxx:xxxxx@host/x@y"),
        ("ADD https://a:b@h/x git://c:d@h/y /z", "ADD https://xxxxx:xxxxx@h/x git://xxxxx:xxxxx@h/y /z"),
        ("git@host:path", "git@host:path"),
        ("docker-image://host/x@sha256:00", "docker-image://host/x@sha256:00"),
        ("https://host?x=a@b", "https://host?x=a@b"),
    ],
)
def test_credentials_are_masked(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


def test_passwords() -> None:
    assert passwords("HTTP_PROXY=http://joe:s3cret@proxy:3128 x://:other@h https://token@host https://host/a@b") == ["s3cret", "other"]
