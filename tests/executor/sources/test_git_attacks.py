"""Hostile repositories, URLs and servers: nothing is run, nothing outside is read or written, no credential goes astray."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.session import Secret
from dockerfile_frontend.executor.solver.model import StepError
from dockerfile_frontend.executor.store import Store
from tests.executor.sources.conftest import Make
from tests.executor.sources.images import bring, files
from tests.executor.sources.repositories import ENVIRONMENT, GitServer, Repository, served

pytestmark = pytest.mark.e2e

TOKEN = "tok3n-of-the-session"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "repositories"


@pytest.fixture
def repo(root: Path) -> Repository:
    repo = Repository(root / "app.git")
    repo.commit({"a.txt": b"one", "docs/b.txt": b"doc"})
    return repo


@pytest.fixture
def server(repo: Repository, root: Path) -> Iterator[GitServer]:
    del repo
    with served(root) as server:
        yield server


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A file that whatever is run by mistake would make."""
    path = tmp_path / "run-by-mistake"
    yield path
    assert not path.exists()


def url(server: GitServer, fragment: str = "", path: str = "app.git") -> tuple[str, dict[str, str]]:
    name = f"{server.host}/{path}"
    return f"git://{name}{fragment}", {"git.fullurl": f"http://{name}"}


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=touch {canary}", "-u{canary}", "--exec=touch{canary}", "main..v1", "main@{{1}}", "a b", "x^{{}}", "main~1",
        "m*n", "x.lock", "/main", "main/", "a//b", "a\\b", "a\x01b",
    ],
)  # fmt: skip
def test_option_injection_in_a_ref(make: Make, server: GitServer, canary: Path, ref: str) -> None:
    with pytest.raises(StepError, match="invalid git ref"):
        bring(make(), *url(server, f"#{ref.format(canary=canary)}"))
    assert not server.asked


@pytest.mark.parametrize(
    "remote",
    [
        "--upload-pack=touch${{IFS}}{canary}", "-oProxyCommand=touch${{IFS}}{canary}", "ssh://-oProxyCommand=touch${{IFS}}{canary}/x",
        "ssh://-oProxyCommand=touch@host/x", "git@-oProxyCommand=touch:x", "-o@host:x", "git@host:-x", "http://-x/y", "http:///y",
        "https://host/a b", "https://host/a\nb",
    ],
)  # fmt: skip
def test_option_injection_in_a_url(make: Make, canary: Path, remote: str) -> None:
    with pytest.raises(StepError, match=r"invalid host or path|blanks or control characters|failed to fetch remote"):
        bring(make(), "git://host/x", {"git.fullurl": remote.format(canary=canary)})


@pytest.mark.parametrize("remote", ["file://{root}/app.git", "ext::sh", "ext://sh", "fd::17", "ftp://host/x", "FILE://{root}/app.git", "gopher://x"])
def test_protocols_that_are_not_allowed(make: Make, root: Path, repo: Repository, remote: str) -> None:
    del repo
    with pytest.raises(StepError, match=r"has no protocol that is allowed here|failed to fetch remote https://"):
        bring(make(), "git://host/x", {"git.fullurl": remote.format(root=root)})


def test_a_path_is_no_remote(make: Make, root: Path, repo: Repository) -> None:
    del repo
    with pytest.raises(StepError):
        bring(make(), "git://host/x", {"git.fullurl": f"{root}/app.git"})


def with_submodule(repo: Repository, settings: str, *, name: str = "sub") -> None:
    """A submodule that no git command would write: its entry points at a commit, .gitmodules says what it likes."""
    commit = repo.git("rev-parse", "HEAD")
    (repo.path / ".gitmodules").write_text(f'[submodule "{name}"]\n\tpath = sub\n{settings}')
    repo.git("add", ".gitmodules")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    repo.git("commit", "--quiet", "--message", "submodule")


@pytest.mark.parametrize(
    "settings",
    [
        "\turl = file://{root}/app.git\n", "\turl = {root}/app.git\n", "\turl = ext::sh -c touch% {canary}\n",
        "\turl = ssh://-oProxyCommand=touch/x\n", "\turl = --upload-pack=touch\n",
        "\turl = http://127.0.0.1:1/x\n\tupdate = !touch {canary}\n",
    ],
)  # fmt: skip
def test_cve_2022_39253_submodules_of_this_machine(
    make: Make, server: GitServer, root: Path, repo: Repository, canary: Path, settings: str
) -> None:
    with_submodule(repo, settings.format(root=root, canary=canary))
    with pytest.raises(StepError, match="failed to update submodules"):
        bring(make(), *url(server))


@pytest.mark.parametrize("name", ["../../x", "..", "a/../../hooks"])
def test_submodule_names_that_climb(make: Make, server: GitServer, repo: Repository, name: str) -> None:
    """CVE-2018-11235. Git ignores the name, so that the submodule has no URL."""
    with_submodule(repo, f"\turl = http://{server.host}/app.git\n", name=name)
    with pytest.raises(StepError, match="failed to update submodules"):
        bring(make(), *url(server))


def test_cve_2025_48384_a_carriage_return_in_a_submodules_path(
    make: Make, store: Store, server: GitServer, root: Path, canary: Path
) -> None:
    """The path is written to a config and read back without its end: files land where a link leads, here among the hooks."""
    hooks = Repository(root / "hooks.git")
    hooks.commit({"post-checkout": f"#!/bin/sh\ntouch {canary}\n".encode()})
    commit = hooks.git("rev-parse", "HEAD")
    evil = Repository(root / "evil.git")
    evil.commit({"sub": ".git/modules/sub/hooks", "a.txt": b"x"})
    (evil.path / ".gitmodules").write_bytes(f'[submodule "sub"]\n\tpath = "sub\r"\n\turl = http://{server.host}/hooks.git\n'.encode())
    evil.git("add", ".gitmodules")
    evil.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub\r")
    evil.git("commit", "--quiet", "--message", "evil")
    for more in ({}, {"git.keepgitdir": "true"}):
        identifier, attrs = url(server, path="evil.git")
        try:
            tree = bring(make(), identifier, {**attrs, **more})
        except StepError as refused:
            assert "failed to" in str(refused)  # noqa: PT017 - both a refusal and a harmless result will do
        else:
            assert "a.txt" in files(store, tree)
        assert not canary.exists()


def tree_of(repo: Repository, mode: str, name: str, oid: str) -> str:
    """A tree of one entry, as no honest git may write it."""
    done = subprocess.run(
        ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
        input=f"{mode} {name}\0".encode() + bytes.fromhex(oid), cwd=repo.path, env=ENVIRONMENT, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", "..", "."])
def test_git_directories_in_trees(make: Make, server: GitServer, repo: Repository, canary: Path, name: str) -> None:
    hook = repo.commit({"hook": f"#!/bin/sh\ntouch {canary}\n".encode()})
    blob = repo.git("rev-parse", f"{hook}:hook")
    hooks = tree_of(repo, "100755", "post-checkout", blob)
    inner = tree_of(repo, "40000", "hooks", hooks)
    commit = repo.git("commit-tree", tree_of(repo, "40000", name, inner), "-m", "evil")
    repo.git("update-ref", "refs/heads/evil", commit)
    with pytest.raises(StepError, match=r"failed to (checkout|fetch) remote"):
        bring(make(), *url(server, "#evil"))


@pytest.mark.parametrize(
    "target", ["/", "/etc", "..", "../../../../../../etc", "docs", ".git", "."]
)
def test_cve_2026_33748_a_subdirectory_that_is_a_link(make: Make, server: GitServer, repo: Repository, target: str) -> None:
    repo.commit({"link": target, "real/link": target})
    for subdir in ("link", "real/link", "link/docs"):
        with pytest.raises(StepError, match=f'git subpath "{subdir}" contains non-directory ".*link"'):
            bring(make(), *url(server, f"#main:{subdir}"))


@pytest.mark.parametrize("subdir", [".git", ".git/hooks", ".GIT", "docs/../.git"])
def test_the_git_directory_is_no_subdirectory(make: Make, server: GitServer, subdir: str) -> None:
    with pytest.raises(StepError, match="invalid subdir"):
        bring(make(), *url(server, f"#main:{subdir}"))


def test_links_are_kept_as_they_are(make: Make, store: Store, server: GitServer, repo: Repository, tmp_path: Path) -> None:
    """Nothing is written through them, and their targets keep their times."""
    outside = tmp_path / "outside"
    outside.mkdir()
    before = outside.stat().st_mtime_ns
    repo.commit({"link": str(outside)})
    identifier, attrs = url(server)
    tree = bring(make(), identifier, {**attrs, "git.mtime": "commit"})
    with store.view(tree.layers) as view:
        assert os.readlink(Path(view.path) / "link") == str(outside)
    assert outside.stat().st_mtime_ns == before
    assert not any(outside.iterdir())


def test_filters_and_hooks_of_the_user_are_not_run(
    make: Make, store: Store, server: GitServer, repo: Repository, tmp_path: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text(
        f'[filter "x"]\n\tsmudge = touch {canary}\n[core]\n\tsshCommand = touch {canary}\n'
        f'[url "http://127.0.0.1:1/"]\n\tinsteadOf = http://{server.host}/\n[credential]\n\thelper = "!touch {canary}"\n'
    )
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, str(config))
    for name in ("GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_ASKPASS"):
        monkeypatch.setenv(name, f"touch {canary}")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    repo.commit({".gitattributes": b"* filter=x\n"})
    assert files(store, bring(make(), *url(server)))["a.txt"] == b"one"


def login(tmp_path: Path) -> dict[str, Secret]:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return {"GIT_AUTH_TOKEN": Secret(path=path)}


BASIC = f"basic {base64.b64encode(f'x-access-token:{TOKEN}'.encode()).decode()}"


def test_cve_2020_15157_a_token_does_not_follow_a_redirect(make: Make, server: GitServer, root: Path, tmp_path: Path) -> None:
    """To another host; that of git, of which the second is the one that asks for files."""
    with served(root, redirect=f"http://{server.host}") as first:
        identifier, attrs = url(first)
        with pytest.raises(StepError, match="failed to fetch remote") as caught:
            bring(make(secrets=login(tmp_path)), identifier, {**attrs, "git.authtokensecret": "GIT_AUTH_TOKEN"})
        assert first.secrets_seen == {BASIC}
    assert not server.secrets_seen
    assert TOKEN not in str(caught.value)


def test_without_a_token_redirects_are_followed(make: Make, store: Store, server: GitServer, root: Path) -> None:
    with served(root, redirect=f"http://{server.host}") as first:
        assert files(store, bring(make(), *url(first)))["a.txt"] == b"one"


def test_a_token_is_not_for_submodules(make: Make, server: GitServer, root: Path, repo: Repository, tmp_path: Path) -> None:
    other = Repository(root / "other.git")
    commit = other.commit({"o": b"o"})
    with served(root) as elsewhere:
        text = f'[submodule "sub"]\n\tpath = sub\n\turl = http://{elsewhere.host}/other.git\n'
        text += f'[submodule "near"]\n\tpath = near\n\turl = http://{server.host}/other.git\n'
        (repo.path / ".gitmodules").write_text(text)
        repo.git("add", ".gitmodules")
        for path in ("sub", "near"):
            repo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
        repo.git("commit", "--quiet", "--message", "submodules")
        identifier, attrs = url(server)
        bring(make(secrets=login(tmp_path)), identifier, {**attrs, "git.authtokensecret": "GIT_AUTH_TOKEN"})
        assert elsewhere.asked
        assert not elsewhere.secrets_seen
    assert {header for path, header in server.asked if "/other.git" in path} == {""}
    assert server.secrets_seen == {BASIC}


@pytest.mark.parametrize("secret", [b"two\nlines", b"nul\0", b"\xff\xfe", b"x\r\nX-Evil: 1"])
def test_a_secret_that_cannot_be_a_header(make: Make, server: GitServer, tmp_path: Path, secret: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(secret)
    identifier, attrs = url(server)
    with pytest.raises(StepError, match="cannot stand in a header"):
        bring(make(secrets={"T": Secret(path=path)}), identifier, {**attrs, "git.authheadersecret": "T"})
    assert not server.asked


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first in PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


def test_credentials_are_no_arguments(make: Make, root: Path, repo: Repository, programs: Path, tmp_path: Path) -> None:
    """Every user of the machine sees arguments of programs, those of git's own children as well."""
    del repo
    seen = tmp_path / "arguments"
    real = shutil.which("git", path=ENVIRONMENT["PATH"])
    write_program(programs / "git", f'echo "$@" >> {seen}\nexec {real} "$@"\n')
    with served(root, password="passw0rd-in-url") as server:  # noqa: S106 - of this server
        name = f"{server.host}/app.git"
        bring(make(), f"git://{name}", {"git.fullurl": f"http://joe:passw0rd-in-url@{name}"})
    assert "fetch" in seen.read_text()
    for secret in ("passw0rd", base64.b64encode(b"joe:passw0rd-in-url").decode()):
        assert secret not in seen.read_text()


@pytest.fixture
def ssh(programs: Path, tmp_path: Path, root: Path) -> Path:
    """Instead of ssh a program that notes how it is called, and then does on this machine what the other should do."""
    seen = tmp_path / "ssh-calls"
    note = f'printf "%s\\n" "$@" "SOCK=$SSH_AUTH_SOCK" >> {seen}\n'
    cat = f'cat "$(echo "${{a#*=}}" | tr -d \\")" >> {seen} 2>/dev/null'
    look = f'for a in "$@"; do case "$a" in UserKnownHostsFile=*) {cat};; esac; done\n'
    run = f'for last; do :; done\ncd {root} && eval "exec $(echo "$last" | sed "s,\'/,\',")"\n'
    write_program(programs / "ssh", note + look + run)
    return seen


@pytest.mark.parametrize("remote", ["git@host.example:app.git", "ssh://git@host.example:2222/app.git"])
def test_ssh(make: Make, store: Store, repo: Repository, ssh: Path, tmp_path: Path, remote: str) -> None:
    del repo
    agent = tmp_path / "agent"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(agent))
        attrs = {"git.fullurl": remote, "git.mountsshsock": "default", "git.knownsshhosts": "host.example ssh-ed25519 AAAA"}
        tree = bring(make(ssh={"default": agent}), "git://host.example/app.git", attrs)
    assert files(store, tree)["a.txt"] == b"one"
    calls = ssh.read_text().splitlines()
    assert f"SOCK={agent}" in calls
    assert "host.example ssh-ed25519 AAAA" in calls
    assert {"StrictHostKeyChecking=yes", "IdentityFile=none", "BatchMode=yes", "git@host.example"} <= set(calls)
    assert not list((Path(store.path) / "ingest").iterdir())


def test_ssh_without_an_agent(make: Make, repo: Repository, ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own agent and keys are the user's, until --ssh forwards them."""
    del repo
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent-of-the-user")
    attrs = {"git.fullurl": "git@host.example:app.git"}
    with pytest.raises(StepError, match="no SSH key 'default' forwarded from the client"):
        bring(make(), "git://host.example/app.git", {**attrs, "git.mountsshsock": "default"})
    assert not ssh.exists()
    bring(make(), "git://host.example/app.git", attrs)
    assert "SOCK=" in ssh.read_text().splitlines()


def test_a_server_that_never_stops_listing(make: Make, repo: Repository, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del repo
    monkeypatch.setattr("dockerfile_frontend.executor.programs.MAX_OUTPUT", 1 << 20)
    write_program(programs / "git", "exec yes 0000000000000000000000000000000000000000 refs/heads/x\n")
    with pytest.raises(StepError, match="git says more than 1 MiB"):
        bring(make(), "git://host/app.git", {"git.fullurl": "https://host/app.git"})
