"""Rules that say nothing without configuration, beside hadolint with the same .hadolint.yaml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockerfile_frontend.lint.config.find import read_config
from tests.lint.linting import lint_text

VALUES = {
    "text": ["", " ", "x", "$UNKNOWN"],
    "url": ["http://x.y/a", "example.com", "mailto:a@b.c", "/a/b", "ssh://g@h/x?q=1#f", "http://x.y/a b", "http://[::1]:80/"],
    "semver": ["1.2.3", "v1.2.3", "1.2", "1.2.3-rc.1+b.5", "1.2.3.4"],
    "hash": ["abcdefg", "1234567", "123456", "ABCDEF0", "0123456789" * 4, "0123456789" * 2],
    "rfc3339": ["2020-01-01T00:00:00Z", "2020-01-01", "2020-01-01T00:00:00+02:00", "2020-01-01t00:00:00z", "2020-13-01T00:00:00Z",
                "2020-01-01T00:00:00.123Z", "2020-01-01T00:00:00", "2020-02-31T00:00:00Z"],
    "spdx": ["MIT", "GPL-3.0", "GPL-3.0-or-later", "mit", "Foo", "0BSD"],
    "email": ["a@b.c", "a@b", "a", "A <a@b.c>", "a.b+c@d-e.co", "a..b@c.d"],
}  # fmt: skip
BETTER = {
    ("semver", "01.2.3"),  # a number does not begin with 0
    ("semver", "1.2.3-"),  # a pre-release has something in it
    ("hash", "0123456789abcdef" * 4),  # a repository whose hashes are sha256
    ("spdx", "MIT OR Apache-2.0"),  # an expression, which is what the label of OCI holds
    ("url", "$UNKNOWN"),  # what is not known is not judged
}
"""hadolint finds something in those that are well, and nothing in those that are not."""
REGISTRIES = ["docker.io", "*.gcr.io", "eu.*", "localhost:5000"]
IMAGES = [
    "debian:1",
    "x/y:1",
    "docker.io/x/y:1",
    "quay.io/x:1",
    "eu.gcr.io/a/b:1",
    "gcr.io/a:1",
    "eu.example.com/x:1",
    "scratch",
]


def hadolint(folder: Path) -> set[tuple[int, str]]:
    """Line and rule of what it finds."""
    command = [
        str(Path(sys.executable).parent / "hadolint"),
        "--no-fail",
        "-f",
        "json",
        "-c",
        ".hadolint.yaml",
        "Dockerfile",
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return {(row["line"], row["code"]) for row in json.loads(done.stdout)}


def ours(folder: Path) -> set[tuple[int, str]]:
    config = read_config(str(folder / ".hadolint.yaml"))
    report = lint_text((folder / "Dockerfile").read_text(), "HADOLINT", settings=config.settings)
    return {(found.span.line, found.rule) for found in report.findings if found.span}


def both(folder: Path, text: str, config: dict[str, object], *rules: str) -> list[list[tuple[int, str]]]:
    """What we and hadolint find of these rules; JSON is YAML."""
    (folder / "Dockerfile").write_text(text)
    (folder / ".hadolint.yaml").write_text(json.dumps(config))
    return [sorted(row for row in found if row[1] in rules) for found in (ours(folder), hadolint(folder))]


CHECKS = ("DL3051", "DL3052", "DL3053", "DL3054", "DL3055", "DL3056", "DL3058")


def test_values_of_labels_are_judged_alike(tmp_path: Path) -> None:
    pairs = [(kind, value) for kind, values in VALUES.items() for value in values]
    text = "FROM debian:12\n" + "".join(f'LABEL k{n}="{value}"\n' for n, (_, value) in enumerate(pairs))
    schema = {f"k{n}": kind for n, (kind, _) in enumerate(pairs)}
    mine, theirs = both(tmp_path, text, {"label-schema": schema}, *CHECKS)
    assert [(*pairs[line - 2], rule) for line, rule in mine] == [(*pairs[line - 2], rule) for line, rule in theirs]
    assert {rule for _, rule in mine} == set(CHECKS)


def test_and_some_better(tmp_path: Path) -> None:
    for kind, value in sorted(BETTER):
        mine, theirs = both(tmp_path, f'FROM debian:12\nLABEL k="{value}"\n', {"label-schema": {"k": kind}}, *CHECKS)
        assert bool(mine) is not bool(theirs), (kind, value)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_registries_are_trusted_alike(registry: str, tmp_path: Path) -> None:
    text = "".join(f"FROM {image}\nCOPY --from={image} /x /y\n" for image in IMAGES)
    mine, theirs = both(tmp_path, text, {"trustedRegistries": [registry]}, "DL3026")
    assert mine == theirs
    assert len(mine) >= 2


@pytest.mark.parametrize(
    "text",
    [
        "FROM a:1\nRUN x\n",
        "FROM a:1\nLABEL x=1 z=2\nLABEL y=1\n",
        "FROM a:1 AS b\nLABEL x=1\nFROM b\nLABEL y=2\nFROM d:1\n",
        "FROM a:1 AS b\nLABEL x=1\nFROM c:1\nCOPY --from=b /x /x\nLABEL x=1 y=2\n",
    ],
)
def test_missing_and_superfluous_labels_are_found_alike(text: str, tmp_path: Path) -> None:
    config = {"label-schema": {"x": "text", "y": "text"}, "strict-labels": True}
    mine, theirs = both(tmp_path, text, config, "DL3049", "DL3050")
    assert mine == theirs
