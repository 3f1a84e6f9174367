"""Files of web servers: names, modes and times, what is asked for again, and servers that do it wrong."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from threading import Barrier, Event

import pytest

from dockerfile_frontend.executor.explain import compare
from dockerfile_frontend.executor.session import Secret
from dockerfile_frontend.executor.solve import complete, solve
from dockerfile_frontend.executor.solver.events import VertexInfo
from dockerfile_frontend.executor.solver.model import ExecutorError, StepError, Tree
from dockerfile_frontend.executor.solver.plan import make_plan
from dockerfile_frontend.executor.store import Store
from ir_schema import Definition, Vertex
from ir_schema.ops import Copy, FileAction, FileOp, Input, InputIndex, MergeOp, MkDir, Op, SourceOp
from tests.executor.sources.conftest import Make, Watching
from tests.executor.sources.images import bring, digest_of, files
from tests.executor.sources.images import source as source_graph
from tests.registry.servers import QUICK, Clock, Say, Scripted, Seen, client

DATA = bytes(range(256)) * 800
CHECKSUM = {"http.checksum": digest_of(DATA)}
MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"


def look(store: Store, tree: Tree) -> tuple[str, os.stat_result]:
    """Name and attributes of the only file."""
    with store.view(tree.layers) as view:
        (path,) = Path(view.path).iterdir()
        return path.name, path.lstat()


def test_a_file(make: Make, store: Store, server: Scripted) -> None:
    server.says("/a/b.tar", Say(body=DATA, headers={"Last-Modified": MODIFIED}))
    tree = bring(make(), f"http://{server.host}/a/b.tar")
    assert files(store, tree) == {"b.tar": DATA}
    name, status = look(store, tree)
    assert (name, status.st_mode & 0o7777, status.st_mtime) == ("b.tar", 0o600, 1_445_412_480)


MODES = {
    "0644": 0o644, "420": 0o644, "0x1ed": 0o755, "0o711": 0o711, "0b110000000": 0o600, "0": 0o600,
}  # fmt: skip


@pytest.mark.parametrize(("perm", "mode"), MODES.items())
def test_modes_as_go_writes_them(make: Make, store: Store, server: Scripted, perm: str, mode: int) -> None:
    server.says("/x", Say(body=DATA))
    assert look(store, bring(make(), f"http://{server.host}/x", {"http.perm": perm}))[1].st_mode & 0o7777 == mode


def has_ids(*wanted: int) -> bool:
    """Whether these user ids exist here: a build without root may have one alone."""
    ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
    return os.geteuid() == 0 and all(any(first <= wish < first + count for first, _, count in ranges) for wish in wanted)


def test_owner(make: Make, store: Store, server: Scripted) -> None:
    server.says("/x", Say(body=DATA))
    attrs = {"http.uid": "1000", "http.gid": "1001", "http.perm": "0755"}
    if not has_ids(1000, 1001):
        with pytest.raises(StepError, match="owner 1000:1001 cannot be set"):
            bring(make(), f"http://{server.host}/x", attrs)
        return
    status = look(store, bring(make(), f"http://{server.host}/x", attrs))[1]
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (1000, 1001, 0o755)


@pytest.mark.parametrize(
    ("attrs", "message"),
    [
        ({"http.perm": "rwx"}, "http.perm is not a number: 'rwx'"),
        ({"http.perm": "0888"}, "http.perm is not a number"),
        ({"http.perm": "04755"}, "http.perm 04755: unsupported file mode"),
        ({"http.uid": "-1"}, "http.uid is not a number: '-1'"),
        ({"http.gid": "4294967295"}, "http.gid is out of range"),
        ({"http.checksum": "sha256:../x"}, "invalid checksum"),
        ({"http.checksum": "md5:00"}, "invalid checksum"),
        ({"http.sig.pubkey": "x"}, "http source option http.sig.pubkey is not supported"),
        ({"http.header.accept": "a\r\nb: c"}, "no header can"),
    ],
)
def test_options_that_make_no_sense(make: Make, server: Scripted, attrs: dict[str, str], message: str) -> None:
    with pytest.raises(StepError, match=message):
        bring(make(), f"http://{server.host}/x", attrs)
    assert not server.seen


@pytest.mark.parametrize("name", ["../../../../tmp/evil", "/tmp/evil", "a/../evil", "x/evil"])
def test_a_stated_name_stays_in_the_layer(make: Make, store: Store, server: Scripted, name: str) -> None:
    server.says("/x", Say(body=DATA))
    assert look(store, bring(make(), f"http://{server.host}/x", {"http.filename": name}))[0] == "evil"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="good.txt"', "good.txt"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('x; filename=".."', "download"),
    ],
)
def test_a_served_name(make: Make, store: Store, server: Scripted, header: str, name: str) -> None:
    server.says("/x", Say(body=DATA, headers={"Content-Disposition": header}))
    assert look(store, bring(make(), f"http://{server.host}/x"))[0] == name


def test_with_a_checksum_nobody_is_asked_the_second_time(make: Make, server: Scripted) -> None:
    server.says("/x", Say(body=DATA, headers={"Last-Modified": MODIFIED}))
    first = bring(make(), f"http://{server.host}/x", CHECKSUM)
    assert len(server.seen) == 1
    assert bring(make(connect=None), f"http://{server.host}/x", CHECKSUM) == first
    assert len(server.seen) == 1


def test_a_wrong_checksum(make: Make, store: Store, server: Scripted) -> None:
    server.says("/x", Say(body=DATA + b"!"))
    url = f"http://{server.host}/x"
    with pytest.raises(StepError, match=f"digest mismatch for {url}: {digest_of(DATA + b'!')} \\(expected: {digest_of(DATA)}\\)"):
        bring(make(), url, CHECKSUM)
    assert store.blob_path(digest_of(DATA)) is None
    server.says("/x", Say(body=DATA))
    assert files(store, bring(make(), url, CHECKSUM)) == {"x": DATA}


def conditional(seen: Seen) -> Say:
    etag = {"ETag": '"one"', "Last-Modified": MODIFIED}
    return Say(304, headers=etag) if seen.headers.get("if-none-match") == '"one"' else Say(body=DATA, headers=etag)


def test_an_unchanged_file_is_not_sent_again(make: Make, server: Scripted) -> None:
    server.says("/x", conditional)
    first = bring(make(), f"http://{server.host}/x")
    assert bring(make(), f"http://{server.host}/x") == first
    assert [seen.headers.get("if-none-match") for seen in server.seen] == [None, '"one"']


def test_a_server_that_says_so_only_by_the_tag(make: Make, server: Scripted) -> None:
    server.says("/x", Say(body=DATA, headers={"ETag": 'W/"one"'}))
    first = bring(make(), f"http://{server.host}/x")
    server.says("/x", Say(body=DATA, headers={"ETag": '"one"'}, cut=0))
    assert bring(make(), f"http://{server.host}/x") == first


def test_a_changed_file(make: Make, store: Store, server: Scripted) -> None:
    server.says("/x", Say(body=DATA, headers={"ETag": '"one"'}))
    bring(make(), f"http://{server.host}/x")
    server.says("/x", Say(body=b"new", headers={"ETag": '"two"'}))
    assert files(store, bring(make(), f"http://{server.host}/x")) == {"x": b"new"}


def test_a_blob_that_was_collected_is_fetched_anew(make: Make, store: Store, server: Scripted) -> None:
    server.says("/x", conditional)
    bring(make(), f"http://{server.host}/x")
    store.blobs.remove(digest_of(DATA))
    bring(make(), f"http://{server.host}/x")
    assert [seen.headers.get("if-none-match") for seen in server.seen] == [None, None]


def test_what_is_remembered_holds_no_url(make: Make, store: Store, server: Scripted) -> None:
    server.says("/x", conditional)
    bring(make(), f"http://joe:pass-word@{server.host}/x?signature=S1GNED")
    assert server.seen[0].headers["authorization"] == "Basic am9lOnBhc3Mtd29yZA=="
    store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in Path(store.path).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in (b"pass-word", b"S1GNED", b"am9lOnBhc3Mtd29yZA"):
                assert secret not in content, path


def test_a_redirect(make: Make, store: Store, server: Scripted) -> None:
    """The name is that of the URL asked for; credentials stay with the first host."""
    with Scripted() as other:
        server.says("/old.txt", Say(302, headers={"Location": f"http://{other.host}/new.bin"}))
        other.says("/new.bin", Say(body=DATA))
        assert files(store, bring(make(), f"http://joe:pass-word@{server.host}/old.txt")) == {"old.txt": DATA}
        assert "authorization" in server.seen[0].headers
        assert "authorization" not in other.seen[0].headers


def secret(tmp_path: Path, value: bytes) -> Secret:
    path = tmp_path / "secret"
    path.write_bytes(value)
    return Secret(path=path)


@pytest.mark.parametrize(
    ("name", "attrs", "header"),
    [
        ("mine", {"http.authheadersecret": "mine"}, "word"), ("HTTP_AUTH_HEADER_127.0.0.1", {}, "word"),
        ("HTTP_AUTH_TOKEN_127.0.0.1", {}, "Bearer word"), ("HTTP_AUTH_TOKEN_other.host", {}, None),
    ],
)  # fmt: skip
def test_secrets(make: Make, server: Scripted, tmp_path: Path, name: str, attrs: dict[str, str], header: str | None) -> None:
    server.says("/x", Say(body=DATA))
    bring(make(secrets={name: secret(tmp_path, b"word\n")}), f"http://{server.host}/x", attrs)
    assert server.seen[0].headers.get("authorization") == header


def test_a_secret_that_is_not_there(make: Make, server: Scripted) -> None:
    with pytest.raises(StepError, match="failed to retrieve HTTP auth secret mine"):
        bring(make(), f"http://{server.host}/x", {"http.authheadersecret": "mine"})


@pytest.mark.parametrize("value", [b"a\r\nX-Evil: 1", b"\xff", b"a\0b"])
def test_a_secret_that_cannot_be_a_header(make: Make, server: Scripted, tmp_path: Path, value: bytes) -> None:
    with pytest.raises(StepError, match="secret mine cannot stand in a header"):
        bring(make(secrets={"mine": secret(tmp_path, value)}), f"http://{server.host}/x", {"http.authheadersecret": "mine"})
    assert not server.seen


def test_headers_of_the_graph(make: Make, server: Scripted) -> None:
    server.says("/x", Say(body=DATA))
    attrs = {"http.header.accept": "text/x", "http.header.user-agent": "me", "http.header.authorization": "no", "http.header.host": "no"}
    bring(make(), f"http://{server.host}/x", attrs)
    seen = server.seen[0].headers
    assert (seen["accept"], seen["user-agent"], seen["host"]) == ("text/x", "me", server.host)
    assert "authorization" not in seen


def cut_once(headers: dict[str, str]) -> list[Say]:
    rest = Say(206, DATA[50_000:], {"Content-Range": f"bytes 50000-{len(DATA) - 1}/{len(DATA)}", **headers})
    return [Say(body=DATA, headers=headers, cut=50_000), rest]


@pytest.mark.parametrize(("attrs", "headers", "condition"), [({}, {"ETag": '"s"'}, '"s"'), (CHECKSUM, {}, None)])
def test_a_cut_file_goes_on_where_it_broke(
    make: Make, store: Store, server: Scripted, attrs: dict[str, str], headers: dict[str, str], condition: str | None
) -> None:
    server.says("/x", *cut_once(headers))
    assert files(store, bring(make(), f"http://{server.host}/x", attrs)) == {"x": DATA}
    assert server.seen[1].headers["range"] == "bytes=50000-"
    assert server.seen[1].headers.get("if-range") == condition


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}])
def test_a_cut_file_that_may_have_changed_begins_anew(make: Make, store: Store, server: Scripted, headers: dict[str, str]) -> None:
    server.says("/x", Say(body=b"z" * len(DATA), headers=headers, cut=50_000), Say(body=DATA, headers=headers))
    assert files(store, bring(make(), f"http://{server.host}/x")) == {"x": DATA}
    assert "range" not in server.seen[1].headers


def test_a_file_that_changes_while_it_is_fetched(make: Make, store: Store, server: Scripted) -> None:
    """The server answers the question for the rest with all of the new file."""
    server.says("/x", Say(body=b"z" * len(DATA), headers={"ETag": '"s"'}, cut=50_000), Say(body=DATA, headers={"ETag": '"t"'}))
    assert files(store, bring(make(), f"http://{server.host}/x")) == {"x": DATA}


def test_another_part_than_asked_for(make: Make, server: Scripted) -> None:
    wrong = Say(206, DATA, {"Content-Range": f"bytes 7-{len(DATA)}/{len(DATA)}"})
    server.says("/x", Say(body=DATA, headers={"ETag": '"s"'}, cut=50_000), wrong)
    with pytest.raises(StepError, match="the server sent another part than asked for"):
        bring(make(), f"http://{server.host}/x")


def test_a_file_that_is_always_cut(make: Make, server: Scripted) -> None:
    clock = Clock()
    server.says("/x", Say(body=DATA, cut=100))
    with pytest.raises(StepError, match=f"http://{server.host}/x: "):
        bring(make(connect=lambda: client(clock=clock)), f"http://{server.host}/x")
    assert len(server.seen) == 5
    assert clock.slept


def test_silence(make: Make, server: Scripted) -> None:
    server.says("/x", Say(body=DATA, pause=60))
    with pytest.raises(StepError, match=r"i/o timeout|timed out"):
        bring(make(connect=lambda: client(clock=Clock(), timeouts=QUICK)), f"http://{server.host}/x")


def test_a_body_of_unknown_length(make: Make, store: Store, server: Scripted) -> None:
    chunked = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    server.says("/x", Say(body=chunked, headers={"Content-Length": "", "Transfer-Encoding": "chunked"}))
    assert files(store, bring(make(), f"http://{server.host}/x")) == {"x": b"hello world"}


def test_a_body_that_comes_compressed(make: Make, store: Store, server: Scripted) -> None:
    server.says("/x", Say(body=gzip.compress(DATA), headers={"Content-Encoding": "gzip"}))
    assert files(store, bring(make(), f"http://{server.host}/x")) == {"x": DATA}
    assert server.seen[0].headers["accept-encoding"] == "identity"


def test_a_body_that_is_not_compressed_as_it_says(make: Make, store: Store, server: Scripted) -> None:
    server.says("/x", Say(body=b"\x1f\x8b\x08" + DATA, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(StepError, match="gzip: "):
        bring(make(), f"http://{server.host}/x")
    assert not [path for path in (Path(store.path) / "ingest").iterdir() if path.stat().st_size]


@pytest.mark.parametrize(("status", "message"), [(404, "invalid response status 404"), (500, "invalid response status 500"), (403, "403")])
def test_refusals(make: Make, server: Scripted, status: int, message: str) -> None:
    server.says("/x", Say(status))
    with pytest.raises(StepError, match=message) as caught:
        bring(make(), f"http://{server.host}/x?signature=S1GNED")
    assert "S1GNED" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("modified", ["", "yesterday", "Wed, 99 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 1715 07:28:00 GMT", "\xff"])
def test_times_that_are_none(make: Make, store: Store, server: Scripted, modified: str) -> None:
    server.says("/x", Say(body=DATA, headers={"Last-Modified": modified}))
    assert look(store, bring(make(), f"http://{server.host}/x"))[1].st_mtime == 0


def test_the_time_is_kept_with_the_bytes(make: Make, store: Store, server: Scripted) -> None:
    """Whichever way a file was fetched first, with a checksum it has the server's time."""
    server.says("/x", Say(body=DATA, headers={"Last-Modified": MODIFIED}))
    bring(make(), f"http://{server.host}/x")
    assert look(store, bring(make(), f"http://{server.host}/x", CHECKSUM))[1].st_mtime == 1_445_412_480


def test_progress(make: Make, server: Scripted) -> None:
    server.says("/x", Say(body=DATA))
    events = Watching()
    bring(make(events=events), f"http://{server.host}/x", CHECKSUM)
    assert [(label, current, total) for _, label, current, total, done in events.statuses if done] == [("x", len(DATA), len(DATA))]


def test_a_stopped_build_stops_downloading(make: Make, store: Store, server: Scripted) -> None:
    machine = make()

    def stop(_seen: Seen) -> Say:
        machine.stop()
        return Say(body=DATA)

    server.says("/x", stop)
    with pytest.raises(ExecutorError, match="canceled"):
        bring(machine, f"http://{server.host}/x")
    assert store.blob_path(digest_of(DATA)) is None


@pytest.mark.parametrize("url", ["http://", "http:///x", "https://?x", "http://h o/x", "http://h/\n", "http://h:99999/x"])
def test_urls_that_are_none(make: Make, url: str) -> None:
    with pytest.raises(StepError):
        bring(make(), url)


def test_several_are_asked_at_once(make: Make, server: Scripted) -> None:
    """Each of eight waits until all have been asked."""
    all_asked = Barrier(8, timeout=60)

    def wait(_seen: Seen) -> Say:
        all_asked.wait()
        return Say(body=DATA)

    vertices = [Vertex.of(Op((), SourceOp(f"http://{server.host}/{n}"))) for n in range(8)]
    for number in range(8):
        server.says(f"/{number}", wait)
    merged = Vertex.of(Op(tuple(Input(v.digest) for v in vertices), MergeOp(tuple(InputIndex(n) for n in range(8)))))
    solve([Definition({v.digest: v for v in (*vertices, merged)}, Input(merged.digest))], make())


def test_a_new_file_comes_with_the_run(make: Make, server: Scripted) -> None:
    """Planning asks nobody about a file that the store has never had; the run shows how far it is."""
    server.says("/x", Say(body=DATA))
    events = Watching()
    machine = make(events=events)
    definition = source_graph(f"http://{server.host}/x")
    plan = make_plan([definition], machine)
    assert [task.later for task in plan.work] == [True]
    assert compare(plan.work[0], plan, machine).text == "what it is will be known when it has been downloaded"
    assert server.seen == []
    complete([definition], machine, plan)
    assert [(label, current, total) for _, label, current, total, done in events.statuses if done] == [("x", len(DATA), len(DATA))]


def test_a_step_that_needs_no_download_does_not_wait(make: Make, server: Scripted) -> None:
    """With one job: the server answers when the other op has made its file."""
    other_done = Event()

    def wait(_seen: Seen) -> Say:
        assert other_done.wait(60)
        return Say(body=DATA)

    class Told(Watching):
        def completed(self, vertex: VertexInfo, *, cached: bool = False, error: str = "") -> None:  # noqa: ARG002
            if vertex.digest == made.digest:
                other_done.set()

    server.says("/x", wait)
    brought = Vertex.of(Op((), SourceOp(f"http://{server.host}/x")))
    made = Vertex.of(Op((), FileOp((FileAction(-1, -1, 0, MkDir("/d", 0o755)),))))
    merged = Vertex.of(Op((Input(brought.digest), Input(made.digest)), MergeOp((InputIndex(0), InputIndex(1)))))
    machine = make(events=Told())
    machine.jobs = 1
    solve([Definition({v.digest: v for v in (brought, made, merged)}, Input(merged.digest))], machine)
    assert other_done.is_set()


def test_what_is_made_of_an_unchanged_file_is_known(make: Make, server: Scripted) -> None:
    """Downloaded twice, since the server gives no tag, but the key of what follows is that of the content."""
    server.says("/x", Say(body=DATA))
    brought = Vertex.of(Op((), SourceOp(f"http://{server.host}/x")))
    copied = Vertex.of(Op((Input(brought.digest),), FileOp((FileAction(-1, 0, 0, Copy("/x", "/y")),))))
    definition = Definition({v.digest: v for v in (brought, copied)}, Input(copied.digest))
    first, second = (solve([definition], make())[0] for _ in range(2))
    assert first == second
    assert len(server.seen) == 2
