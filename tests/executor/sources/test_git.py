"""Repositories as files: what is named, what is fetched for it, what the files are like."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.session import Secret
from dockerfile_frontend.executor.solver.model import StepError, Tree
from dockerfile_frontend.executor.store import Store
from tests.executor.sources.conftest import Make
from tests.executor.sources.images import bring, files
from tests.executor.sources.repositories import ENVIRONMENT, GitServer, Repository, facts, served
from tests.git_daemon import git_daemon

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _odd_umask() -> Iterator[None]:
    """What a checkout is like does not depend on ours."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where app.git is: main at "two", v1 and the annotated v2 at "one", branch topic/x at "three"."""
    root = tmp_path_factory.mktemp("template")
    repo = Repository(root / "app.git")
    repo.commit({"a.txt": b"one", "docs/b.txt": b"doc", "run.sh": b"#!/bin/sh\n", "link": "docs/b.txt"})
    repo.git("tag", "v1")
    repo.git("tag", "--annotate", "--message", "second", "v2")
    repo.git("checkout", "--quiet", "-b", "topic/x")
    repo.commit({"a.txt": b"three"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({"a.txt": b"two"})
    return root


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "repositories", symlinks=True))


@pytest.fixture
def repo(root: Path) -> Repository:
    return Repository(root / "app.git")


@pytest.fixture
def server(repo: Repository, root: Path) -> Iterator[GitServer]:
    del repo
    with served(root) as server:
        yield server


def url(server: GitServer, fragment: str = "", path: str = "app.git") -> tuple[str, dict[str, str]]:
    """Identifier and options as the compiler writes them."""
    name = f"{server.host}/{path}"
    return f"git://{name}{fragment}", {"git.fullurl": f"http://{name}"}


@pytest.mark.parametrize(
    ("fragment", "content"),
    [
        ("", b"two"), ("#main", b"two"), ("#refs/heads/main", b"two"), ("#heads/main", b"two"), ("#v1", b"one"), ("#v2", b"one"),
        ("#refs/tags/v2", b"one"), ("#tags/v1", b"one"), ("#topic/x", b"three"),
    ],
)  # fmt: skip
def test_a_branch_or_tag(make: Make, store: Store, server: GitServer, fragment: str, content: bytes) -> None:
    assert files(store, bring(make(), *url(server, fragment)))["a.txt"] == content


def test_what_a_checkout_is_like(make: Make, store: Store, server: GitServer) -> None:
    tree = bring(make(), *url(server, "#v1"))
    with store.view(tree.layers) as view:
        assert facts(Path(view.path)) == {
            "a.txt": ("0o644", "one"), "docs": ("0o755", "folder"), "docs/b.txt": ("0o644", "doc"),
            "link": ("link", "docs/b.txt"), "run.sh": ("0o755", "#!/bin/sh\n"),
        }  # fmt: skip
        assert not (Path(view.path) / ".git").exists()
        assert {path.lstat().st_uid for path in Path(view.path).rglob("*")} == {os.geteuid()}


def test_a_commit_asks_nobody_the_second_time(make: Make, store: Store, server: GitServer, repo: Repository) -> None:
    commit = repo.git("rev-parse", "topic/x")
    first = bring(make(), *url(server, f"#{commit}"))
    assert files(store, first)["a.txt"] == b"three"
    server.asked.clear()
    assert bring(make(), *url(server, f"#{commit}")) == first
    assert not server.asked


def test_a_branch_that_moved(make: Make, store: Store, server: GitServer, repo: Repository) -> None:
    bring(make(), *url(server))
    repo.commit({"a.txt": b"four"})
    assert files(store, bring(make(), *url(server)))["a.txt"] == b"four"
    repo.git("tag", "--force", "v1")
    assert files(store, bring(make(), *url(server, "#v1")))["a.txt"] == b"four"


def test_a_branch_that_was_rewritten(make: Make, store: Store, server: GitServer, repo: Repository) -> None:
    bring(make(), *url(server))
    repo.git("commit", "--quiet", "--amend", "--message", "other")
    repo.git("branch", "--move", "topic/x", "topic")
    assert files(store, bring(make(), *url(server)))["a.txt"] == b"two"
    assert files(store, bring(make(), *url(server, "#topic")))["a.txt"] == b"three"


def test_only_the_commit_is_fetched(make: Make, store: Store, server: GitServer) -> None:
    bring(make(), *url(server))
    (bare,) = (Path(store.path) / "caches").iterdir()
    log = subprocess.run(["git", "--git-dir", bare, "log", "--all", "--format=%s"], env=ENVIRONMENT, capture_output=True, check=True)
    assert log.stdout.splitlines() == [b"change"]


def test_a_subdirectory(make: Make, store: Store, server: GitServer) -> None:
    assert files(store, bring(make(), *url(server, "#v1:docs"))) == {"b.txt": b"doc"}
    assert files(store, bring(make(), *url(server, "#v1:/./x/../docs/"))) == {"b.txt": b"doc"}


@pytest.mark.parametrize("subdir", ["none", "a.txt", "docs/none"])
def test_a_subdirectory_that_is_none(make: Make, server: GitServer, subdir: str) -> None:
    with pytest.raises(StepError, match=f"invalid subdir {subdir}"):
        bring(make(), *url(server, f"#v1:{subdir}"))


def test_times_of_the_commit(make: Make, store: Store, server: GitServer) -> None:
    identifier, attrs = url(server, "#v1")
    tree = bring(make(), identifier, {**attrs, "git.mtime": "commit"})
    with store.view(tree.layers) as view:
        root = Path(view.path)
        assert {path.lstat().st_mtime for path in (root, *root.rglob("*"))} == {1_600_000_000}


def git_in(store: Store, tree: Tree, *args: str) -> str:
    with store.view(tree.layers) as view:
        safe = ["git", "-c", "safe.directory=*", *args]
        return subprocess.run(safe, cwd=view.path, env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(("fragment", "described"), [("#v1", "v1"), ("#v2", "v2"), ("#main", "main"), ("", "main")])
def test_the_git_directory_is_kept(make: Make, store: Store, server: GitServer, fragment: str, described: str) -> None:
    identifier, attrs = url(server, fragment)
    tree = bring(make(), identifier, {**attrs, "git.keepgitdir": "true"})
    assert git_in(store, tree, "status", "--porcelain") == ""
    assert git_in(store, tree, "describe", "--tags", "--always") == described
    assert git_in(store, tree, "remote", "get-url", "origin") == f"http://{server.host}/app.git"
    assert git_in(store, tree, "fsck") == ""
    with store.view(tree.layers) as view:
        assert (Path(view.path) / ".git").stat().st_mode & 0o777 == 0o755
        assert store.path.encode() not in b"".join(p.read_bytes() for p in Path(view.path).rglob("*") if p.is_file())


def test_a_subdirectory_keeps_no_git_directory(make: Make, store: Store, server: GitServer) -> None:
    identifier, attrs = url(server, "#v1:docs")
    assert files(store, bring(make(), identifier, {**attrs, "git.keepgitdir": "true"})) == {"b.txt": b"doc"}


@pytest.fixture(scope="module")
def nests(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where outer.git is, with app.git as its submodule sub, named relative to it; and in that inner.git as deep."""
    root = Path(shutil.copytree(template, tmp_path_factory.mktemp("nests") / "root", symlinks=True))
    repo = Repository(root / "app.git")
    inner = Repository(root / "inner.git")
    inner.commit({"inner.txt": b"inner"})
    repo.add_submodule(str(inner.path), "deep")
    (repo.path / ".gitmodules").write_text('[submodule "deep"]\n\tpath = deep\n\turl = ../inner.git\n')
    repo.commit({})
    outer = Repository(root / "outer.git")
    outer.add_submodule(str(repo.path), "sub")
    (outer.path / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./../app.git\n')
    outer.commit({"top.txt": b"top"})
    return root


@pytest.fixture
def nested(nests: Path) -> Iterator[GitServer]:
    with served(nests) as server:
        yield server


def test_submodules(make: Make, store: Store, nested: GitServer) -> None:
    found = files(store, bring(make(), *url(nested, path="outer.git")))
    assert {name: found[name] for name in ("top.txt", "sub/a.txt", "sub/deep/inner.txt")} == {
        "top.txt": b"top", "sub/a.txt": b"two", "sub/deep/inner.txt": b"inner",
    }  # fmt: skip
    assert not any(".git" in name.split("/") for name in found)


def test_submodules_are_left_out(make: Make, store: Store, nested: GitServer) -> None:
    identifier, attrs = url(nested, path="outer.git")
    found = files(store, bring(make(), identifier, {**attrs, "git.skipsubmodules": "true"}))
    assert set(found) == {".gitmodules", "top.txt"}


def test_a_submodule_as_subdirectory(make: Make, store: Store, nested: GitServer) -> None:
    assert "a.txt" in files(store, bring(make(), *url(nested, "#main:sub", path="outer.git")))


def test_submodules_of_a_kept_git_directory(make: Make, store: Store, nested: GitServer) -> None:
    identifier, attrs = url(nested, path="outer.git")
    tree = bring(make(), identifier, {**attrs, "git.keepgitdir": "true"})
    assert git_in(store, tree, "submodule", "status", "--recursive").count("\n") == 1
    assert git_in(store, tree, "-C", "sub/deep", "log", "--format=%s") == "change"


def test_sha256(make: Make, store: Store, root: Path, server: GitServer) -> None:
    other = Repository(root / "new.git", form="sha256")
    commit = other.commit({"a.txt": b"new"})
    assert len(commit) == 64
    for fragment in ("", f"#{commit}"):
        assert files(store, bring(make(), *url(server, fragment, path="new.git"))) == {"a.txt": b"new"}


def test_checksums(make: Make, store: Store, server: GitServer, repo: Repository) -> None:
    identifier, attrs = url(server, "#v2")
    tag, commit = repo.git("rev-parse", "v2"), repo.git("rev-parse", "v2^{}")
    for good in (tag, commit, commit[:8]):
        assert "a.txt" in files(store, bring(make(), identifier, {**attrs, "git.checksum": good}))
    with pytest.raises(StepError, match=f"expected checksum to match deadbeef, got {tag} or {commit}"):
        bring(make(), identifier, {**attrs, "git.checksum": "deadbeef"})
    with pytest.raises(StepError, match="expected hex commit hash"):
        bring(make(), identifier, {**attrs, "git.checksum": "xyz"})


def test_fetch_by_commit(make: Make, store: Store, server: GitServer, repo: Repository) -> None:
    identifier, attrs = url(server, "#gone")
    commit = repo.git("rev-parse", "topic/x")
    attrs |= {"git.fetchbycommit": "true"}
    assert files(store, bring(make(), identifier, {**attrs, "git.checksum": commit}))["a.txt"] == b"three"
    with pytest.raises(StepError, match="fetch-by-commit requires a full commit SHA checksum"):
        bring(make(), identifier, {**attrs, "git.checksum": commit[:10]})
    with pytest.raises(StepError, match="fetch-by-commit requires a checksum"):
        bring(make(), identifier, attrs)


def test_the_git_protocol(make: Make, store: Store, root: Path, repo: Repository) -> None:
    del repo
    with git_daemon(root) as host:
        tree = bring(make(), f"git://{host}/app.git#v1", {"git.fullurl": f"git://{host}/app.git"})
    assert files(store, tree)["a.txt"] == b"one"


def test_a_server_without_single_commits(make: Make, store: Store, root: Path, repo: Repository) -> None:
    """Then all branches are fetched, and the commit is among them."""
    repo.git("config", "uploadpack.allowAnySHA1InWant", "false")
    parent = repo.git("rev-parse", "main^")
    repo.git("tag", "--delete", "v1", "v2")
    with served(root, old=True) as server:
        assert files(store, bring(make(), *url(server, f"#{parent}")))["a.txt"] == b"one"
        assert sum(path.endswith("git-upload-pack") for path, _ in server.asked) > 1


def test_what_is_not_there(make: Make, server: GitServer) -> None:
    with pytest.raises(StepError, match=r"repository does not contain ref none, output: \"\""):
        bring(make(), *url(server, "#none"))
    with pytest.raises(StepError, match=r"failed to fetch remote http://.*/absent.git: .*not found"):
        bring(make(), *url(server, path="absent.git"))
    with pytest.raises(StepError, match=r"failed to fetch remote http://.*/app.git: ") as caught:
        bring(make(), *url(server, f"#{'0' * 39}1"))
    assert "\n" not in str(caught.value)


def test_an_empty_repository(make: Make, root: Path, server: GitServer) -> None:
    Repository(root / "empty.git")
    with pytest.raises(StepError, match="repository does not contain ref HEAD"):
        bring(make(), *url(server, path="empty.git"))


def test_a_token(make: Make, store: Store, root: Path, repo: Repository, tmp_path: Path) -> None:
    del repo
    token = tmp_path / "token"
    token.write_text("joe-token\n")
    with served(root, password="x") as server:  # noqa: S106 - of a server of this test
        identifier, attrs = url(server)
        attrs |= {"git.authtokensecret": "GIT_AUTH_TOKEN", "git.authheadersecret": "GIT_AUTH_HEADER"}
        with pytest.raises(StepError) as caught:
            bring(make(secrets={"GIT_AUTH_TOKEN": Secret(path=token)}), identifier, attrs)
        assert "joe-token" not in f"{caught.value} {caught.value.hint}"
        assert server.secrets_seen == {"basic eC1hY2Nlc3MtdG9rZW46am9lLXRva2Vu"}  # x-access-token:joe-token
        header = tmp_path / "header"
        header.write_text("basic am9lOng=")
        secrets = {f"GIT_AUTH_HEADER.{server.host}": Secret(path=header), "GIT_AUTH_TOKEN": Secret(path=token)}
        assert files(store, bring(make(secrets=secrets), identifier, attrs))["a.txt"] == b"two"


def test_a_password_in_the_url(make: Make, store: Store, root: Path, repo: Repository) -> None:
    del repo
    with served(root, password="p%40ss-word") as server:  # noqa: S106
        name = f"{server.host}/app.git"
        identifier, attrs = f"git://{name}", {"git.fullurl": f"http://joe:p%2540ss-word@{name}", "git.keepgitdir": "true"}
        tree = bring(make(), identifier, attrs)
        assert files(store, tree)["a.txt"] == b"two"
        assert git_in(store, tree, "remote", "get-url", "origin") == f"http://{name}"
    check_nothing_left(store, b"ss-word", b"cEA0MHNzLXdvcmQ", b"am9lOnAlNDBzcy13b3Jk")


def check_nothing_left(store: Store, *secrets: bytes) -> None:
    for path in Path(store.path).rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            for secret in secrets:
                assert secret not in content, path


def test_a_wrong_password_is_not_shown(make: Make, root: Path, repo: Repository) -> None:
    del repo
    with served(root, password="right-word") as server:  # noqa: S106
        name = f"{server.host}/app.git"
        with pytest.raises(StepError) as caught:
            bring(make(), f"git://{name}", {"git.fullurl": f"http://joe:wrong-word@{name}"})
    assert "wrong-word" not in f"{caught.value} {caught.value.hint}"
    assert "failed to fetch remote" in str(caught.value)


def test_one_build_fetches_for_two(make: Make, store: Store, server: GitServer) -> None:
    """The second ref of a remote needs what is new alone."""
    bring(make(), *url(server, "#v1"))
    before = len(server.asked)
    assert files(store, bring(make(), *url(server, "#v2")))["a.txt"] == b"one"
    assert all("info/refs" in path or path.endswith("git-upload-pack") for path, _ in server.asked[before:])
    assert not [path for path, _ in server.asked[before + 2:] if "upload-pack" in path]
