"""Names that servers and URLs propose."""

from __future__ import annotations

import pytest

from dockerfile_frontend.executor.sources.filenames import name_of_answer, name_of_url, safe_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("foo.txt", "foo.txt"), ("  foo.txt  ", "foo.txt"), ("a/b/c.txt", "c.txt"), ("/etc/passwd", "passwd"), ("../../x", "x"),
        ("資料.txt", "資料.txt"), ("name with blanks", "name with blanks"), ("", "download"), (".", "download"), ("..", "download"),
        ("../", "download"), ("/", "download"), ("a\0b", "download"), ("a\nb", "download"), ("a\x7fb", "download"), ("a/", "a"),
        ("x" * 256, "download"), ("ü" * 128, "download"), ("x" * 255, "x" * 255), (".bashrc", ".bashrc"), ("-rf", "-rf"),
    ],
)  # fmt: skip
def test_safe_names(text: str, name: str) -> None:
    assert safe_name(text) == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/a/b.tar.gz?x=/y#z", "b.tar.gz"), ("https://host", "download"), ("https://host/", "download"),
        ("https://host/a%2Fb", "b"), ("https://host/%2e%2e", "download"), ("https://host/a%00b", "download"),
        ("https://host/a%20b", "a b"), ("https://host/x/..", "download"), ("https://host/a/", "a"),
    ],
)  # fmt: skip
def test_names_of_urls(url: str, name: str) -> None:
    assert name_of_url(url) == name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("", ""), ("attachment", ""), ("attachment; filename=a.txt", "a.txt"), ('attachment; filename="a b.txt"', "a b.txt"),
        (r'attachment; filename="q\"uote.txt"', 'q"uote.txt'), ("attachment;filename=a.txt;size=3", "a.txt"),
        ("attachment; FileName=a.txt", "a.txt"), ("inline; filename*=UTF-8''na%C3%AFve.txt; filename=naive.txt", "naïve.txt"),
        ("attachment; filename*=utf-8'en'x%2Fy.txt", "y.txt"), ("attachment; filename*=klingon''x", ""),
        ("attachment; filename*=utf-8''%ff", ""), ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="/etc/cron.d/x"', "x"), ('attachment; filename=".."', "download"), ('attachment; filename="dir/"', ""),
        ('attachment; filename="a\0b"', "download"), ('attachment; filename="unclosed', ""), ("attachment; filename=", ""),
        ("attachment; filename=a b c", ""), (f"attachment; filename={'x' * 5000}", "download"), ("filename=x", ""),
    ],
)  # fmt: skip
def test_names_of_answers(header: str, name: str) -> None:
    assert name_of_answer(header) == name
