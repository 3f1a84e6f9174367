"""Cache mounts: what stays, who shares it, and who waits."""

from __future__ import annotations

import pytest

from ir_schema.ops import CacheSharing, FileAction, FileOp, Input, MkDir
from tests.executor.exec.bench import Bench, cache

UUID = "cat /proc/sys/kernel/random/uuid"


def test_it_stays_between_steps_and_builds_and_out_of_images(bench: Bench) -> None:
    graph = bench.graph()
    first = graph.step(f"{UUID} > /c/value; cat /c/value", mounts=[(cache("/c"), None)], name="first")
    second = graph.step("cat /c/value", base=first, mounts=[(cache("/c"), None)], name="second")
    outcome = bench.build(*graph.at(second))
    assert outcome.logs["first"] == outcome.logs["second"]
    assert "c" not in outcome.files
    again = bench.build(bench.graph().run("cat /other/value", mounts=[(cache("/other", "/c"), None)], name="third"))
    assert again.logs["third"] == outcome.logs["first"]
    other = bench.build(bench.graph().run("ls -A /c", mounts=[(cache("/c", "another"), None)]))
    assert other.log == ""


@pytest.mark.parametrize("name", ["../../x", "/", "..", "a\0b", "\U0010ffff", "x" * 5000])
def test_cve_2024_9675_ids_are_no_paths(bench: Bench, name: str) -> None:
    before = set(bench.home.iterdir())
    outcome = bench.build(bench.graph().run("echo > /c/mine; ls /c", mounts=[(cache("/c", name), None)]))
    assert outcome.log == "mine\n"
    assert set(bench.home.iterdir()) - before <= {bench.store}
    assert not [path for path in (bench.store / "caches").iterdir() if len(path.name) != 64]


def test_it_is_no_part_of_the_key(bench: Bench) -> None:
    one, other = (bench.graph().run("echo ran", mounts=[(cache("/c", name), None)], name="step") for name in ("a", "b"))
    assert bench.build(one).ended["step"] == "done"
    assert bench.build(other).ended["step"] == "cached"


def test_it_begins_with_another_file_system(bench: Bench) -> None:
    """Its content once, then what steps make of it; from= of a changed one begins anew."""

    def build(text: str) -> str:
        graph = bench.graph()
        seed = graph.step(f"mkdir -m 0711 /seed; echo {text} > /seed/file; ln -s file /seed/link")
        command = "stat -c %a /c; cat /c/link; echo more >> /c/file"
        mount = (cache("/c", "named", selector="seed"), seed)
        return bench.build(graph.run(f"{command}; true {UUID} {text}", mounts=[mount], name="step")).log

    assert build("one") == "711\none\n"
    assert build("two") == "711\ntwo\n"
    graph = bench.graph()
    seed = graph.step("mkdir -m 0711 /seed; echo one > /seed/file; ln -s file /seed/link")
    again = graph.run("cat /c/file", mounts=[(cache("/c", "named", selector="seed"), seed)], name="again")
    assert bench.build(again).log == "one\nmore\n"


def test_its_owner_and_mode_as_a_dockerfile_asks_for_them(bench: Bench) -> None:
    graph = bench.graph()
    made = graph.add(FileOp((FileAction(-1, -1, 0, MkDir("/cache", 0o700)),)))
    outcome = bench.build(graph.run("stat -c '%a %u' /c", mounts=[(cache("/c", selector="cache"), made)]))
    assert outcome.log == "700 0\n"


def test_from_something_that_is_no_directory(bench: Bench) -> None:
    graph = bench.graph()
    outcome = bench.build(graph.run("ls", mounts=[(cache("/c", selector="etc/passwd"), graph.root)]))
    assert outcome.error == "cache mount /c: source etc/passwd is not a directory"


def test_locked_steps_follow_each_other(bench: Bench) -> None:
    graph = bench.graph()
    mounts = [(cache("/c", sharing=CacheSharing.LOCKED), None)]
    steps = [
        graph.step(f"mkdir /c/held || exit 1; sleep 0.2; rmdir /c/held; true {n}", mounts=mounts) for n in range(3)
    ]
    assert bench.build(*graph.at(*steps), jobs=3).error == ""


def test_locked_between_processes(bench: Bench) -> None:
    mounts = [(cache("/c", sharing=CacheSharing.LOCKED), None)]
    jobs = [
        bench.job(bench.graph().run(f"mkdir /c/held || exit 1; sleep 0.2; rmdir /c/held; true {n}", mounts=mounts))
        for n in range(3)
    ]
    bench.build(bench.graph().run("true"))
    for process in [bench.start(job) for job in jobs]:
        assert process.finish().error == ""


def test_private_steps_have_one_each_and_leave_them(bench: Bench) -> None:
    """Each sees the other run, in a shared directory, and nothing in its own."""
    graph = bench.graph()
    own, meet = cache("/c", sharing=CacheSharing.PRIVATE), cache("/meet")
    command = (
        "[ -e /c/mine ] && exit 1; echo > /c/mine; echo > /meet/{0};"
        " for i in $(seq 600); do [ -e /meet/{1} ] && exit 0; sleep 0.1; done; exit 1"
    )
    steps = [graph.step(command.format(*pair), mounts=[(own, None), (meet, None)]) for pair in ("ab", "ba")]
    assert bench.build(*graph.at(*steps), jobs=2).error == ""
    again = bench.build(bench.graph().run("ls /c", mounts=[(own, None)]))
    assert again.log == "mine\n"
    assert len(list((bench.store / "caches").iterdir())) == 3


def test_who_shares_waits_for_who_has_locked(bench: Bench) -> None:
    graph = bench.graph()
    steps = [
        graph.step("echo > /c/begun; sleep 0.5; rm /c/begun; true 1", mounts=[(cache("/c", sharing=CacheSharing.LOCKED), None)]),
        graph.step("[ ! -e /c/begun ]; true 2", mounts=[(cache("/c"), None)]),
    ]
    assert bench.build(*graph.at(*steps), jobs=2).error == ""


def test_two_mounts_of_one_id_are_one_directory(bench: Bench) -> None:
    mounts = [(cache(path, "x", CacheSharing.LOCKED), None) for path in ("/a", "/b")]
    assert bench.build(bench.graph().run("echo hi > /a/f; cat /b/f", mounts=mounts)).log == "hi\n"


def test_two_in_any_order_never_wait_for_each_other(bench: Bench) -> None:
    graph = bench.graph()
    one, other = cache("/x", "one", CacheSharing.LOCKED), cache("/y", "other", CacheSharing.LOCKED)
    steps: list[Input] = []
    for number in range(6):
        order = [one, other] if number % 2 else [other, one]
        steps.append(graph.step(f"sleep 0.05; true {number}", mounts=[(mount, None) for mount in order]))
    assert bench.build(*graph.at(*steps), jobs=4).error == ""


def test_a_failed_step_keeps_what_it_cached(bench: Bench) -> None:
    mounts = [(cache("/c"), None)]
    assert bench.build(bench.graph().run("echo kept > /c/f; exit 1", mounts=mounts)).error
    assert bench.build(bench.graph().run("cat /c/f", mounts=mounts)).log == "kept\n"
