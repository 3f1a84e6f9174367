"""Directories of the client as sources: which is meant, what of it is there, and directories that are none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from dockerfile_frontend.executor.files.run import materialize
from dockerfile_frontend.executor.solve import solve
from dockerfile_frontend.executor.solver.model import ExecutorError, LocalView, StepError, Tree
from dockerfile_frontend.executor.store import Store
from ir_schema import Definition, Vertex
from ir_schema.ops import Copy, FileAction, FileOp, Input, Op, SourceOp
from tests.executor.sources.conftest import Make
from tests.executor.sources.images import files, source


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    for name in ("a.txt", "src/main.c", "src/util.c", "src/main.o", "docs/x.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "entry").symlink_to("src/main.c")
    return folder


def copied(path: str = "/", attrs: Mapping[str, object] | None = None) -> Definition:
    """A graph that copies a path of the directory called context."""
    body = SourceOp("local://context", {f"local.{key}": json.dumps(value) for key, value in (attrs or {}).items()})
    local = Vertex.of(Op((), body))
    action = FileAction(-1, 0, 0, Copy(path, "/", mode=-1, dir_copy_contents=True, create_dest_path=True, timestamp=-1))
    copy = Vertex.of(Op((Input(local.digest),), FileOp((action,))))
    return Definition({local.digest: local, copy.digest: copy}, Input(copy.digest))


@pytest.mark.parametrize(
    ("attrs", "names"),
    [
        ({}, {"a.txt", "src/main.c", "src/util.c", "src/main.o", "docs/x.md", "entry"}),
        ({"includepattern": ["src/*.c"]}, {"src/main.c", "src/util.c"}),
        ({"excludepatterns": ["**/*.o", "docs"]}, {"a.txt", "src/main.c", "src/util.c", "entry"}),
        ({"excludepatterns": ["src", "!src/main.c"]}, {"a.txt", "src/main.c", "docs/x.md", "entry"}),
        ({"includepattern": ["src"], "excludepatterns": ["src/*.o"]}, {"src/main.c", "src/util.c"}),
        ({"followpaths": ["entry"]}, {"src/main.c", "entry"}),
        ({"followpaths": ["docs", "a*"]}, {"docs/x.md", "a.txt"}),
        ({"followpaths": ["entry"], "excludepatterns": ["src"]}, {"entry"}),
        ({"includepattern": None}, {"a.txt", "src/main.c", "src/util.c", "src/main.o", "docs/x.md", "entry"}),
    ],
)
def test_what_is_there(make: Make, store: Store, app: Path, attrs: dict[str, object], names: set[str]) -> None:
    (tree,) = solve([copied("/", attrs)], make(contexts={"context": app}))
    assert isinstance(tree, Tree)
    with store.view(tree.layers) as view:
        root = Path(view.path)
        assert {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir() or path.is_symlink()} == names


def test_a_directory_itself_can_be_the_result(make: Make, store: Store, app: Path) -> None:
    machine = make(contexts={"context": app})
    (view,) = solve([source("local://context")], machine)
    assert isinstance(view, LocalView)
    layer = materialize(store, machine.local_tree(view))
    assert files(store, Tree((layer,)))["a.txt"] == b"a.txt"


def test_a_directory_by_a_link(make: Make, store: Store, app: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(app)
    (tree,) = solve([copied("/a.txt")], make(contexts={"context": tmp_path / "link"}))
    assert isinstance(tree, Tree)
    assert files(store, tree) == {"a.txt": b"a.txt"}


def test_a_link_out_of_it_is_no_way_out(make: Make, store: Store, app: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    (app / "out").symlink_to(tmp_path)
    for attrs in ({}, {"followpaths": ["out/secret"]}, {"includepattern": ["out/secret"]}):
        with pytest.raises(StepError, match="not found"):
            solve([copied("/out/secret", attrs)], make(contexts={"context": app}))


@pytest.mark.parametrize("kind", ["missing", "file", "dangling"])
def test_directories_that_are_none(make: Make, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "file":
        path.write_text("")
    elif kind == "dangling":
        path.symlink_to("nowhere")
    with pytest.raises(ExecutorError, match=f"{path} cannot be read: (No such file|Not a directory)"):
        solve([copied()], make(contexts={"context": path}))


def test_a_directory_that_vanishes_between_plan_and_copy(make: Make, app: Path) -> None:
    machine = make(contexts={"context": app})
    machine.local_tree(LocalView(str(app)))
    (app / "src" / "main.c").unlink()
    with pytest.raises(ExecutorError, match="changed while the build read it"):
        solve([copied()], machine)


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({"local.includepattern": "src"}, "local.includepattern is not a JSON list of strings: 'src'"),
        ({"local.followpaths": "[1]"}, "local.followpaths is not a JSON list of strings"),
        ({"local.excludepatterns": "[" * 100_000}, "local.excludepatterns is not a JSON list of strings"),
        ({"local.metadatatransfer": "true"}, "local source option local.metadatatransfer is not supported"),
        ({"local.session": "other:id"}, "no local directory 'other-context' was given"),
    ],
)
def test_options_that_make_no_sense(make: Make, app: Path, attrs: dict[str, str], message: str) -> None:
    with pytest.raises(ExecutorError, match=message):
        solve([source("local://context", attrs)], make(contexts={"context": app}))


@pytest.mark.parametrize("name", ["../app", "/etc", "other", ""])
def test_names_are_no_paths(make: Make, app: Path, name: str) -> None:
    with pytest.raises(StepError, match=f"no local directory '{name}' was given"):
        solve([source(f"local://{name}")], make(contexts={"context": app}))
