from __future__ import annotations

import json
from pathlib import Path

import pytest

from dockerfile_frontend.resolvers.chain import Chain, NotHeldError
from dockerfile_frontend.resolvers.recorded import Recorded, Recorder
from dockerfile_frontend.semantics.platforms import Platform
from dockerfile_frontend.semantics.resolver import ImageRequest, ResolvedImage, ResolveError
from tests.resolvers.samples import AMD64, ARM64, Counting, config


def recorded(tmp_path: Path, recorder: Recorder) -> Recorded:
    path = tmp_path / "images.json"
    path.write_bytes(recorder.dump())
    return Recorded.load(path)


def test_what_was_recorded_is_what_is_answered(tmp_path: Path) -> None:
    recorder = Recorder(Counting())
    answers = [recorder.resolve_image("a/b:1", platform, "pull") for platform in (AMD64, ARM64)]
    layout = recorder.resolve_layout("store", "a@b", AMD64)
    recorder.source_time("https://a", {"x": "y"})
    recorder.source_time("git://a", {})
    known = recorded(tmp_path, recorder)
    assert [known.resolve_image("a/b:1", platform, "default") for platform in (AMD64, ARM64)] == answers
    assert known.resolve_layout("store", "a@b", AMD64) == layout
    assert known.source_time("https://a", {"x": "y"}) == 1
    assert known.source_time("git://a", {}) is None


def test_platforms_are_known_by_any_name(tmp_path: Path) -> None:
    recorder = Recorder(Counting())
    recorder.resolve_image("a/b:1", Platform("linux", "aarch64", "v8"), "default")
    assert recorded(tmp_path, recorder).resolve_image("a/b:1", ARM64, "default").config == config("aarch64")


def test_a_refusal_is_not_recorded() -> None:
    recorder = Recorder(Counting())
    with pytest.raises(ResolveError):
        recorder.resolve_image("nowhere/a:1", AMD64, "default")
    assert json.loads(recorder.dump()) == {"version": 1, "images": []}


def test_a_config_that_is_no_text_comes_back_byte_for_byte(tmp_path: Path) -> None:
    class Odd(Counting):
        def resolve_image(self, ref: str, platform: Platform, mode: str) -> ResolvedImage:
            assert platform == AMD64, mode
            return ResolvedImage("other/" + ref, None, b"\xff\xfe{\x00}\r\n\xed\xa0\x80")

    recorder = Recorder(Odd())
    answer = recorder.resolve_image("a/b:1", AMD64, "default")
    assert recorded(tmp_path, recorder).resolve_image("a/b:1", AMD64, "default") == answer


def test_equal_answers_make_equal_files_whatever_their_order() -> None:
    dumps = []
    for refs in (["a/b:1", "a/c:1"], ["a/c:1", "a/b:1", "a/b:1"]):
        recorder = Recorder(Counting())
        for ref in refs:
            recorder.resolve_image(ref, AMD64, "default")
        dumps.append(recorder.dump())
    assert dumps[0] == dumps[1]


def test_earlier_recordings_are_kept(tmp_path: Path) -> None:
    first = Recorder(Counting())
    first.resolve_image("a/b:1", AMD64, "default")
    second = Recorder(Counting(), recorded(tmp_path, first))
    second.prefetch([ImageRequest("a/c:1", AMD64)])
    second.resolve_image("a/c:1", AMD64, "default")
    assert len(recorded(tmp_path, second).answers) == 2


def test_what_is_not_recorded() -> None:
    known = Recorded(where="images.json")
    with pytest.raises(NotHeldError) as caught:
        known.resolve_image("a/b:1", ARM64, "default")
    assert str(caught.value) == (
        "failed to resolve source metadata for a/b:1: not recorded for linux/arm64 in images.json"
    )
    with pytest.raises(NotHeldError, match="the time of https://a is not recorded"):
        known.source_time("https://a", {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a recording"),
        ("[]", "not a recording"),
        ("[" * 100_000, "not a recording"),
        ('{"version": 2, "images": []}', "recorded by version 2; this one reads 1"),
        ('{"version": 1}', "not a recording"),
        ('{"version": 1, "images": [{}]}', "not a recording"),
        ('{"version": 1, "images": [{"ref": 1, "platform": "p", "digest": null, "config": ""}]}', "not a recording"),
        ('{"version": 1, "images": [], "times": [{"source": ["a", []], "time": 1}]}', "not a recording"),
        ('{"version": 1, "images": [], "times": [{"source": ["a", {}], "time": "1"}]}', "not a recording"),
    ],
)
def test_a_faulty_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "images.json").write_text(text)
    with pytest.raises(ResolveError, match=rf"images\.json: {message}"):
        Recorded.load(tmp_path / "images.json")
    with pytest.raises(ResolveError, match="No such file"):
        Recorded.load(tmp_path / "absent.json")


def test_a_chain_asks_the_next_only_when_the_first_is_not_the_one_to_ask(tmp_path: Path) -> None:
    inner = Counting()
    recorder = Recorder(Counting())
    recorder.resolve_image("a/b:1", AMD64, "default")
    known = recorded(tmp_path, recorder)
    chain = Chain([known, inner])
    chain.resolve_image("a/b:1", AMD64, "default")
    assert inner.asked == []
    chain.prefetch([ImageRequest("a/c:1", AMD64)])
    chain.resolve_image("a/c:1", AMD64, "default")
    assert inner.asked == [("a/c:1", AMD64)]
    assert chain.resolve_layout("s", "r", AMD64).ref == "s:r"
    assert chain.source_time("https://a", {}) == 0
    with pytest.raises(ResolveError, match="nowhere/a:1: not found"):
        Chain([inner, Recorded()]).resolve_image("nowhere/a:1", AMD64, "default")
    with pytest.raises(NotHeldError, match="no resolver was given"):
        Chain([]).resolve_image("a/b:1", AMD64, "default")
