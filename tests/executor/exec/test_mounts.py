"""Bind and tmpfs mounts of a step: what it sees there, and what becomes of what it writes."""

from __future__ import annotations

from ir_schema.ops import Input
from tests.executor.exec.bench import Bench, bind, tmpfs


def test_a_clients_directory(bench: Bench) -> None:
    """Filtered, read-only, and nothing of it in the layer."""
    bench.context("src", {"a/main.c": "int main;", "b/other": "x"})
    graph = bench.graph()
    outcome = bench.build(
        graph.run("cat /src/a/main.c; touch /src/new || echo refused", mounts=[(bind("/src"), graph.local("src"))])
    )
    assert outcome.log.startswith("int main;")
    assert "refused" in outcome.log
    assert not [path for path in outcome.files if path.startswith("src")]


def test_a_part_of_it(bench: Bench) -> None:
    """Only what is mounted counts for the cache."""
    source = bench.context("src", {"a/main.c": "int main;", "b/other": "x"})
    graph = bench.graph()
    mounts = [(bind("/src", "a"), graph.local("src")), (bind("/one", "b/other"), graph.local("src"))]
    definition = graph.run("ls /src; cat /one", mounts=mounts, name="step")
    assert bench.build(definition).log == "main.c\nx"
    (source / "unseen").write_text("changed")
    assert bench.build(definition).ended["step"] == "cached"
    (source / "b/other").write_text("y")
    assert bench.build(definition).log == "main.c\ny"


def test_a_writable_mount_is_thrown_away(bench: Bench) -> None:
    graph = bench.graph()
    source = bench.context("src", {"file": "as it was"})
    command = "echo changed > /src/file; echo new > /src/new; cat /src/file; ls /src"
    outcome = bench.build(graph.run(command, mounts=[(bind("/src", readonly=False), graph.local("src"))]))
    assert outcome.log == "changed\nfile\nnew\n"
    assert {path.name: path.read_text() for path in source.iterdir()} == {"file": "as it was"}
    assert not [path for path in outcome.files if path.startswith("src")]


def test_another_steps_files_with_an_output(bench: Bench) -> None:
    graph = bench.graph()
    other = graph.step("mkdir /data; echo 1 > /data/one")
    step = graph.step("echo 2 > /m/two; rm /m/one", mounts=[(bind("/m", "data", 1, readonly=False), other)])
    outcome = bench.build(*graph.at(Input(step.digest, 1), other))
    changed, before = outcome.trees
    assert changed["data/two"].text == b"2\n"
    assert "data/one" not in changed
    assert before["data/one"].text == b"1\n"
    assert "data/two" not in before


def test_a_read_only_mount_with_an_output_is_the_output(bench: Bench) -> None:
    graph = bench.graph()
    other = graph.step("echo 1 > /one")
    step = graph.step("cat /m/one", mounts=[(bind("/m", output=1), other)])
    same, whole = bench.build(*graph.at(Input(step.digest, 1), other)).trees
    assert same == whole


def test_a_mount_over_a_file_and_one_in_another(bench: Bench) -> None:
    bench.context("src", {"etc/motd": "hello\n", "sub/f": "inner\n"})
    graph = bench.graph()
    source = graph.local("src")
    mounts = [(bind("/etc/passwd", "etc/motd"), source), (tmpfs("/m"), None), (bind("/m/deep/er", "sub"), source)]
    outcome = bench.build(graph.run("cat /etc/passwd /m/deep/er/f; touch /m/x", mounts=mounts))
    assert outcome.log == "hello\ninner\n"
    assert outcome.files["etc/passwd"].text.startswith(b"root:")
    assert "m" not in outcome.files


def test_a_tmpfs_and_its_limit(bench: Bench) -> None:
    command = "dd if=/dev/zero of=/big/file bs=64k count=100 2>/dev/null || echo full; stat -c %s /big/file; stat -c %a /big"
    outcome = bench.build(bench.graph().run(command, mounts=[(tmpfs("/big", 1 << 20), None)]))
    assert outcome.log == "full\n1048576\n1777\n"
    assert "big" not in outcome.files


def test_a_source_that_is_not_there(bench: Bench) -> None:
    graph = bench.graph()
    outcome = bench.build(graph.run("ls", mounts=[(bind("/m", "missing"), graph.root)]))
    assert outcome.error == '"/missing": not found'


def test_parents_of_mount_points_go_when_asked(bench: Bench) -> None:
    graph = bench.graph()
    mounts = [(tmpfs("/a/b/c"), None)]
    kept = bench.build(graph.run("true", mounts=mounts, meta={"remove_mount_stubs_recursive": False}))
    gone = bench.build(graph.run("true", mounts=mounts))
    assert {path for path in kept.files if path.startswith("a")} == {"a", "a/b"}
    assert not [path for path in gone.files if path.startswith("a")]


def test_relative_mount_points_lie_in_the_working_directory(bench: Bench) -> None:
    graph = bench.graph()
    bench.context("src", {"file": "x"})
    outcome = bench.build(graph.run("cat m/file", mounts=[(bind("m"), graph.local("src"))], meta={"cwd": "/work"}))
    assert outcome.log == "x"
