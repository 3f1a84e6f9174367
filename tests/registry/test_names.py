from __future__ import annotations

import pytest

from dockerfile_frontend.registry.errors import RegistryError
from dockerfile_frontend.registry.names import ImageName

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("docker.io/library/alpine:3.20", "3.20"),
        ("docker.io/library/alpine", "latest"),
        (f"localhost:5000/a@{DIGEST}", DIGEST),
        (f"[::1]:5000/a/b__c:1@{DIGEST}", DIGEST),
    ],
)
def test_reads_back_what_it_prints(text: str, selector: str) -> None:
    name = ImageName.parse(text)
    assert str(name) == text
    assert name.selector == selector


@pytest.mark.parametrize(
    "text",
    [
        "alpine",
        "docker.io/",
        "docker.io/Library/alpine",
        "docker.io/../etc",
        "docker.io/a//b",
        "docker.io/a?x=1",
        "docker.io/a#x",
        "docker.io/a:b/c",
        "docker.io/a:",
        "docker.io/a@",
        "docker.io/a@sha256:abc",
        "docker.io/a@md5:" + "a" * 32,
        "user@docker.io/a",
        "docker.io:99999999/a",
        "docker.io/a\n",
        "docker.io/" + "a" * 300,
        "",
    ],
)
def test_refuses_what_cannot_be_part_of_a_url(text: str) -> None:
    with pytest.raises(RegistryError, match="invalid reference format"):
        ImageName.parse(text)
