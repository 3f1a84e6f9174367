"""Servers that refuse, stall, cut, lie and lead astray: each ends soon, with one clear line."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dockerfile_frontend.registry.digests import Verifier, digest_of
from dockerfile_frontend.registry.errors import (
    BadContent,
    Denied,
    NotFound,
    RegistryError,
    UnexpectedStatus,
    Unreachable,
)
from dockerfile_frontend.registry.hosts import HostConfig, HostTable
from dockerfile_frontend.registry.media import DOCKER_MANIFEST, MAX_MANIFEST, OCI_MANIFEST
from dockerfile_frontend.registry.names import ImageName
from dockerfile_frontend.registry.retry import Retry
from tests.registry.servers import QUICK, Clock, Say, Scripted, Seen, client, manifest

BODY = manifest("sha256:" + "a" * 64, 2)
GOOD = Say(body=BODY, headers={"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": digest_of(BODY)})
PATH = "/v2/a/b/manifests/1"
BLOB = bytes(range(256)) * 1024
BLOB_DIGEST = digest_of(BLOB)
BLOB_PATH = f"/v2/a/b/blobs/{BLOB_DIGEST}"


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as scripted:
        yield scripted


@pytest.fixture
def other() -> Iterator[Scripted]:
    with Scripted() as scripted:
        yield scripted


def name(server: Scripted, selector: str = ":1") -> ImageName:
    return ImageName.parse(f"{server.host}/a/b{selector}")


def credentials(server: Scripted) -> dict[str, Any]:
    return {"auths": {server.host: {"username": "joe", "password": "hush"}}}


def bearer(server: Scripted, more: str = "") -> Say:
    challenge = f'Bearer realm="http://{server.host}/token",service="s",scope="repository:a/b:pull"{more}'
    return Say(401, headers={"WWW-Authenticate": challenge})


def token(text: str = "t", **more: object) -> Say:
    return Say(body=json.dumps({"token": text, **more}).encode())


def guarded(server: Scripted, wanted: str = "Bearer t") -> None:
    """Answer only those who bring the right token."""
    server.says(PATH, lambda seen: GOOD if seen.headers.get("authorization") == wanted else bearer(server))


def test_a_good_answer(server: Scripted) -> None:
    server.says(PATH, GOOD)
    found = client().get_manifest(name(server))
    assert (found.digest, found.media_type, found.body) == (digest_of(BODY), OCI_MANIFEST, BODY)
    assert server.seen[0].headers["user-agent"].startswith("dockerfile-frontend/")
    assert server.seen[0].headers["accept"].startswith(DOCKER_MANIFEST)


def test_an_unknown_name(server: Scripted) -> None:
    with pytest.raises(NotFound, match=rf"^{server.host}/a/b:1: not found$"):
        client().get_manifest(name(server))


def test_too_many_requests_then_good(server: Scripted) -> None:
    server.says(PATH, Say(429, headers={"Retry-After": "7"}), Say(503), GOOD)
    clock = Clock()
    assert client(clock=clock).get_manifest(name(server)).body == BODY
    assert clock.slept == [7.0, 1.0]


def test_too_many_requests_for_good(server: Scripted) -> None:
    body = json.dumps({"errors": [{"code": "TOOMANYREQUESTS", "message": "slow\ndown"}]}).encode()
    server.says(PATH, Say(429, body))
    clock = Clock()
    with pytest.raises(UnexpectedStatus) as caught:
        client(clock=clock).get_manifest(name(server))
    url = f"http://{server.host}{PATH}"
    assert str(caught.value) == (
        f"unexpected status from GET request to {url}: 429 Too Many Requests: toomanyrequests: slow down"
    )
    assert len(server.seen) == 5


def test_a_server_that_asks_to_come_back_tomorrow(server: Scripted) -> None:
    server.says(PATH, Say(429, headers={"Retry-After": "86400"}))
    clock = Clock()
    with pytest.raises(UnexpectedStatus) as caught:
        client(clock=clock).get_manifest(name(server))
    assert caught.value.hint == "the server asks to wait 86400 s before the next attempt"
    assert clock.slept == []


def test_a_server_error_that_stays(server: Scripted) -> None:
    server.says(PATH, Say(500, b"<html>" * 100_000))
    with pytest.raises(UnexpectedStatus, match=r"500 Internal Server Error$"):
        client().get_manifest(name(server))
    assert len(server.seen) == 5


def test_a_status_nobody_foresaw(server: Scripted) -> None:
    server.says(PATH, Say(299), Say(418), Say(799))
    with pytest.raises(BadContent, match="not valid JSON"):
        client().get_manifest(name(server))
    with pytest.raises(UnexpectedStatus, match=r"418 I'm a Teapot$"):
        client().get_manifest(name(server))
    with pytest.raises(UnexpectedStatus, match=r"799$"):
        client().get_manifest(name(server))


def test_a_cut_body_is_asked_for_again(server: Scripted) -> None:
    server.says(PATH, Say(body=BODY, cut=10), GOOD)
    assert client().get_manifest(name(server)).body == BODY


def test_a_body_that_is_always_cut(server: Scripted) -> None:
    server.says(PATH, Say(body=BODY, cut=10))
    with pytest.raises(Unreachable, match=rf'^failed to do request: Get "http://{server.host}{PATH}": unexpected EOF'):
        client().get_manifest(name(server))
    assert len(server.seen) == 5


def test_nobody_listens() -> None:
    with Scripted() as server:
        pass
    clock = Clock()
    with pytest.raises(Unreachable, match=r"dial tcp: connect: connection refused$"):
        client(clock=clock).get_manifest(name(server))
    assert clock.slept == []


def test_a_tls_client_at_a_plain_server(server: Scripted) -> None:
    hosts = HostTable({server.host: HostConfig(http=False)})
    with pytest.raises(Unreachable, match=r"http: server gave HTTP response to HTTPS client$") as caught:
        client(hosts=hosts).get_manifest(name(server))
    assert "http = true" in caught.value.hint


def test_silence(server: Scripted) -> None:
    server.says(PATH, Say(body=BODY, pause=30.0))
    with pytest.raises(Unreachable, match="i/o timeout"):
        client(timeouts=QUICK, retry=Clock().retry(attempts=1)).get_manifest(name(server))


def test_a_trickle_that_never_ends(server: Scripted) -> None:
    server.says(PATH, Say(body=b"x" * 10_000, pause=0.05))
    with pytest.raises(Unreachable, match="i/o timeout"):
        client(timeouts=QUICK, retry=Clock().retry(attempts=1)).get_manifest(name(server))


def test_a_blob_that_trickles(server: Scripted) -> None:
    server.says(BLOB_PATH, Say(body=BLOB, pause=0.05))
    pieces = client(timeouts=QUICK, retry=Clock().retry(attempts=1)).read_blob(name(server), BLOB_DIGEST, len(BLOB))
    with pytest.raises(Unreachable, match="i/o timeout"):
        list(pieces)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "", "Transfer-Encoding": "chunked"}])
def test_a_huge_manifest(server: Scripted, headers: dict[str, str]) -> None:
    body = b" " * (MAX_MANIFEST + 1)
    if headers:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        headers = {"Transfer-Encoding": "chunked"}
    server.says(PATH, chunked(body) if headers else Say(body=body))
    with pytest.raises(BadContent, match=f"^rejecting .*{name(server)}"):
        client().get_manifest(name(server))


def chunked(body: bytes) -> Any:  # noqa: ANN401  a script
    def say(seen: Seen) -> Say:
        assert seen.method == "GET"
        return Say(body=body, headers={"Transfer-Encoding": "chunked", "Content-Length": "0"})

    return say


def test_another_content_than_the_digest_asked_for(server: Scripted) -> None:
    wanted = "sha256:" + "0" * 64
    server.says(f"/v2/a/b/manifests/{wanted}", GOOD)
    with pytest.raises(BadContent, match=f"unexpected commit digest {digest_of(BODY)}, expected {wanted}$"):
        client().get_manifest(name(server, f"@{wanted}"))


def test_a_registry_that_lies_about_a_tags_digest(server: Scripted) -> None:
    server.says(PATH, Say(body=BODY, headers={"Docker-Content-Digest": "sha256:" + "0" * 64}))
    with pytest.raises(BadContent, match="unexpected commit digest"):
        client().get_manifest(name(server))
    server.says(PATH, Say(body=BODY, headers={"Docker-Content-Digest": "sha256:../../x"}))
    with pytest.raises(BadContent, match="invalid digest"):
        client().get_manifest(name(server))


def test_endless_redirects(server: Scripted) -> None:
    server.says(PATH, Say(307, headers={"Location": PATH}))
    with pytest.raises(Unreachable, match=r"^stopped after 10 redirects"):
        client().get_manifest(name(server))
    assert len(server.seen) == 11


@pytest.mark.parametrize(
    "location", ["ftp://x/y", "file:///etc/passwd", "http://user:pw@x/", "http://[/", "http://x:99999/"]
)
def test_a_redirect_to_nowhere(server: Scripted, location: str) -> None:
    server.says(PATH, Say(302, headers={"Location": location}))
    with pytest.raises(BadContent, match="redirect to an invalid URL") as caught:
        client().get_manifest(name(server))
    assert "pw" not in str(caught.value)


def test_credentials_stay_with_their_host(server: Scripted, other: Scripted) -> None:
    guarded(server)
    server.says("/token", token())
    server.says(BLOB_PATH, Say(307, headers={"Location": f"http://{other.host}/blob?sig=secret"}))
    other.says("/blob", Say(body=BLOB))
    asker = client(config=credentials(server))
    asker.get_manifest(name(server))
    assert b"".join(asker.read_blob(name(server), BLOB_DIGEST, len(BLOB))) == BLOB
    assert server.seen[-1].headers["authorization"] == "Bearer t"
    assert "authorization" not in other.seen[0].headers


def test_a_redirected_challenge_is_not_answered(server: Scripted, other: Scripted) -> None:
    server.says(PATH, Say(307, headers={"Location": f"http://{other.host}/x"}))
    other.says("/x", Say(401, headers={"WWW-Authenticate": f'Bearer realm="http://{other.host}/token"'}))
    with pytest.raises(UnexpectedStatus, match="401 Unauthorized"):
        client(config=credentials(server)).get_manifest(name(server))
    assert [seen.path for seen in other.seen] == ["/x"]


def test_a_token_server_that_redirects_gets_no_password_elsewhere(server: Scripted, other: Scripted) -> None:
    guarded(server)
    server.says("/token", Say(302, headers={"Location": f"http://{other.host}/token"}))
    other.says("/token", token())
    assert client(config=credentials(server)).get_manifest(name(server)).body == BODY
    assert "authorization" in next(seen for seen in server.seen if seen.path.startswith("/token")).headers
    assert "authorization" not in other.seen[0].headers


def test_an_anonymous_token(server: Scripted) -> None:
    guarded(server)
    server.says("/token", token(expires_in=300))
    asker = client()
    asker.get_manifest(name(server))
    asker.get_manifest(name(server))
    assert [seen.path for seen in server.seen] == [PATH, "/token?service=s&scope=repository%3Aa%2Fb%3Apull", PATH, PATH]


def test_a_password_goes_to_the_token_server_only(server: Scripted) -> None:
    guarded(server)
    server.says("/token", token())
    client(config=credentials(server)).get_manifest(name(server))
    assert [seen.headers.get("authorization") for seen in server.seen] == [None, "Basic am9lOmh1c2g=", "Bearer t"]


def test_a_token_server_that_wants_a_form(server: Scripted) -> None:
    guarded(server)
    server.says("/token", lambda seen: token() if seen.method == "POST" else Say(405))
    client(config=credentials(server)).get_manifest(name(server))
    assert server.seen[2].body == (
        b"service=s&client_id=dockerfile-frontend&scope=repository%3Aa%2Fb%3Apull"
        b"&grant_type=password&username=joe&password=hush"
    )


def test_an_identity_token_is_changed_for_an_access_token(server: Scripted) -> None:
    guarded(server)
    server.says("/token", Say(body=b'{"access_token": "t"}'))
    client(config={"auths": {server.host: {"identitytoken": "refresh"}}}).get_manifest(name(server))
    assert server.seen[1].method == "POST"
    assert b"grant_type=refresh_token&refresh_token=refresh" in server.seen[1].body


def test_a_token_that_expired_early(server: Scripted) -> None:
    guarded(server)
    server.says("/token", token(), token("new"))
    asker = client()
    asker.get_manifest(name(server))
    guarded(server, "Bearer new")
    assert asker.get_manifest(name(server)).body == BODY


def test_many_threads_want_one_token(server: Scripted) -> None:
    guarded(server)
    server.says("/token", token())
    asker = client()
    asker.get_manifest(name(server))  # the challenge is known
    guarded(server, "Bearer new")
    server.says("/token", token("new"))
    before = len(server.seen)
    threads = [threading.Thread(target=asker.get_manifest, args=(name(server),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(seen.path.startswith("/token") for seen in server.seen[before:]) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Say(body=b"<html>"), "token response is not valid JSON"),
        (Say(body=b"{}"), "authorization server did not include a token in the response"),
        (Say(body=b'{"token": 7}'), "authorization server did not include a token in the response"),
        (Say(body=b'{"token": "a\\r\\nX-Evil: 1"}'), "a token that cannot stand in a header"),
        (Say(body=b" " * (2 << 20)), "rejecting 2097152 byte token response"),
        (Say(401), "unexpected status from GET request to http://[^ ]*/token.*: 401 Unauthorized"),
        (Say(302, headers={"Location": "/token"}), "stopped after 10 redirects"),
        (Say(500), "500 Internal Server Error"),
    ],
)
def test_a_token_server_that_lies(server: Scripted, answer: Say, message: str) -> None:
    guarded(server)
    server.says("/token", answer)
    with pytest.raises(RegistryError, match=f"^failed to authorize: failed to fetch anonymous token: .*{message}"):
        client().get_manifest(name(server))


def test_a_token_that_never_pleases(server: Scripted) -> None:
    server.says(PATH, bearer(server, ',error="insufficient_scope"'))
    server.says("/token", token())
    with pytest.raises(Denied) as caught:
        client().get_manifest(name(server))
    assert str(caught.value) == (
        "pull access denied, repository does not exist or may require authorization: "
        "server message: insufficient_scope: authorization failed"
    )
    assert len(server.seen) <= 6


def test_a_401_without_a_way_out(server: Scripted) -> None:
    server.says(PATH, Say(401))
    with pytest.raises(UnexpectedStatus, match="401 Unauthorized") as caught:
        client().get_manifest(name(server))
    assert f"docker login {server.host}" in caught.value.hint
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "realm", ["", "ftp://x/t", "/token", "http://u:p@x/t", "http://[/", "http://x/ y", "http://x:99999/"]
)
def test_a_realm_that_is_no_place(server: Scripted, realm: str) -> None:
    server.says(PATH, Say(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'}))
    with pytest.raises(Denied, match="invalid token auth challenge realm"):
        client(config=credentials(server)).get_manifest(name(server))


def test_no_credentials_for_basic(server: Scripted) -> None:
    server.says(PATH, Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    with pytest.raises(Denied) as caught:
        client().get_manifest(name(server))
    assert str(caught.value) == (
        "pull access denied, repository does not exist or may require authorization: "
        "authorization failed: no basic auth credentials"
    )


def test_wrong_credentials_are_shown_once(server: Scripted) -> None:
    server.says(PATH, Say(401, headers={"WWW-Authenticate": "Basic realm=x"}))
    with pytest.raises(UnexpectedStatus, match="401 Unauthorized"):
        client(config=credentials(server)).get_manifest(name(server))
    assert [seen.headers.get("authorization") for seen in server.seen] == [None, "Basic am9lOmh1c2g="]


def test_a_mirror_that_fails_costs_one_attempt(server: Scripted, other: Scripted) -> None:
    hosts = HostTable({server.host: HostConfig(mirrors=(f"{other.host}/hub",))})
    server.says(PATH, GOOD)
    other.says("/v2/hub/a/b/manifests/1", Say(500))
    clock = Clock()
    assert client(hosts=hosts, clock=clock).get_manifest(name(server)).body == BODY
    assert (clock.slept, other.seen[0].path) == ([], f"/v2/hub/a/b/manifests/1?ns={server.host.replace(':', '%3A')}")


def test_of_several_errors_the_most_telling_is_shown(server: Scripted, other: Scripted) -> None:
    hosts = HostTable({server.host: HostConfig(mirrors=(other.host,))})
    other.says(PATH, Say(403))
    with pytest.raises(UnexpectedStatus, match="403 Forbidden"):
        client(hosts=hosts).get_manifest(name(server))


def test_head(server: Scripted) -> None:
    server.says(PATH, GOOD)
    found = client().head_manifest(name(server))
    assert (found.digest, found.size, found.media_type) == (digest_of(BODY), len(BODY), OCI_MANIFEST)
    assert [seen.method for seen in server.seen] == ["HEAD"]


@pytest.mark.parametrize("head", [Say(405), Say(200)])
def test_a_server_without_head(server: Scripted, head: Say) -> None:
    server.says(PATH, lambda seen: head if seen.method == "HEAD" else GOOD)
    assert client().head_manifest(name(server)).digest == digest_of(BODY)


def test_a_cut_blob_goes_on_where_it_broke(server: Scripted) -> None:
    def part(seen: Seen) -> Say:
        start = int(seen.headers["range"].removeprefix("bytes=").rstrip("-"))
        return Say(206, BLOB[start:], {"Content-Range": f"bytes {start}-{len(BLOB) - 1}/{len(BLOB)}"})

    server.says(BLOB_PATH, Say(body=BLOB, cut=100_000), part)
    assert b"".join(client().read_blob(name(server), BLOB_DIGEST, len(BLOB))) == BLOB
    assert len(server.seen) == 2


def test_a_server_without_ranges_sends_all_again(server: Scripted) -> None:
    server.says(BLOB_PATH, Say(body=BLOB, cut=100_000), Say(body=BLOB))
    assert b"".join(client().read_blob(name(server), BLOB_DIGEST)) == BLOB


def test_a_server_that_sends_another_part(server: Scripted) -> None:
    server.says(BLOB_PATH, Say(body=BLOB, cut=100_000), Say(206, BLOB, {"Content-Range": "bytes 0-9/10"}))
    with pytest.raises(BadContent, match="another part than asked for"):
        list(client().read_blob(name(server), BLOB_DIGEST))


def test_an_earlier_download_is_gone_on_with(server: Scripted) -> None:
    done = Verifier(BLOB_DIGEST, len(BLOB))
    done.feed(BLOB[:1000])
    server.says(BLOB_PATH, Say(206, BLOB[1000:], {"Content-Range": f"bytes 1000-{len(BLOB) - 1}/{len(BLOB)}"}))
    assert b"".join(client().read_blob(name(server), BLOB_DIGEST, done=done)) == BLOB[1000:]
    assert server.seen[0].headers["range"] == "bytes=1000-"


def test_a_blob_always_cut_at_the_same_place(server: Scripted) -> None:
    server.says(BLOB_PATH, Say(body=BLOB, cut=0))
    with pytest.raises(Unreachable, match=f"^{BLOB_DIGEST}: unexpected EOF"):
        list(client().read_blob(name(server), BLOB_DIGEST))
    assert len(server.seen) == 5


@pytest.mark.parametrize(
    ("body", "size", "message"),
    [
        (BLOB[:-1] + b"x", len(BLOB), "unexpected commit digest"),
        (BLOB + b"x", len(BLOB), "more than the expected"),
        (BLOB[:-1], len(BLOB), "failed size validation"),
        (BLOB[:-1], None, "unexpected commit digest"),
    ],
)
def test_a_wrong_blob_never_ends_well(server: Scripted, body: bytes, size: int | None, message: str) -> None:
    server.says(BLOB_PATH, Say(body=body))
    got: list[bytes] = []
    with pytest.raises(BadContent, match=message):
        got.extend(client().read_blob(name(server), BLOB_DIGEST, size))
    assert sum(map(len, got)) < len(body)


def test_an_absent_blob(server: Scripted) -> None:
    with pytest.raises(NotFound, match=f"{server.host}/a/b@{BLOB_DIGEST}: not found"):
        list(client().read_blob(name(server), BLOB_DIGEST))
    with pytest.raises(NotFound):
        client().get_blob(name(server), BLOB_DIGEST, limit=10)


def test_a_small_blob_is_bounded(server: Scripted) -> None:
    server.says(BLOB_PATH, Say(body=BLOB))
    with pytest.raises(BadContent, match="rejecting 262144 byte blob"):
        client().get_blob(name(server), BLOB_DIGEST, limit=1000)
    with pytest.raises(BadContent, match="the limit is 1000 bytes"):
        client().get_blob(name(server), BLOB_DIGEST, limit=1000, size=1001)
    assert client().get_blob(name(server), BLOB_DIGEST, limit=len(BLOB)) == BLOB


def test_tags_over_several_pages(server: Scripted) -> None:
    first = Say(body=b'{"tags": ["a", 7]}', headers={"Link": '</v2/a/b/tags/list?n=1000&last=a>; rel="next"'})
    server.says("/v2/a/b/tags/list?n=1000", first)
    server.says("/v2/a/b/tags/list?n=1000&last=a", Say(body=b'{"tags": ["b"]}'))
    assert client().list_tags(name(server)) == ["a", "b"]


def test_tags_that_lead_astray(server: Scripted, other: Scripted) -> None:
    page = Say(body=b'{"tags": ["a"]}', headers={"Link": f'<http://{other.host}/v2/>; rel="next"'})
    server.says("/v2/a/b/tags/list", page)
    with pytest.raises(BadContent, match="elsewhere"):
        client().list_tags(name(server))


def test_any_file_with_the_same_care(server: Scripted, other: Scripted) -> None:
    server.says("/a%20b", Say(500), Say(302, headers={"Location": f"http://{other.host}/c"}))
    other.says("/c", Say(body=b"content"))
    with client(config=credentials(server)).open_url(
        f"http://{server.host}/a%20b#x", {"Authorization": "mine"}
    ) as answer:
        assert b"".join(answer.chunks()) == b"content"
    assert server.seen[0].headers["authorization"] == "mine"
    assert "authorization" not in other.seen[0].headers


def test_a_file_that_is_as_it_was(server: Scripted) -> None:
    server.says("/a", Say(304))
    with client().open_url(f"http://{server.host}/a", {"If-None-Match": '"x"'}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize("url", ["ftp://x/", "x", "http://u:hush@x/", "http://[", "http://x:99999/", "http://\xe4/"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(RegistryError, match="not an http:// or https:// URL") as caught:
        client().open_url(url)
    assert "hush" not in str(caught.value)


def test_a_client_that_is_told_to_stop(server: Scripted) -> None:
    """From another thread, in the middle of a body that does not come on; nothing is tried again."""
    asked = threading.Event()

    def stall(_seen: Seen) -> Say:
        asked.set()
        return Say(body=b"x" * 100, pause=60)

    server.says(BLOB_PATH, stall)
    ours, faults = client(retry=Retry()), list[BaseException]()

    def read() -> None:
        try:
            list(ours.read_blob(name(server), BLOB_DIGEST))
        except RegistryError as error:
            faults.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert asked.wait(60)
    ours.abort()
    thread.join()
    assert "canceled" in str(faults[0])
    with pytest.raises(Unreachable, match="canceled"):
        ours.get_manifest(name(server))


def test_a_client_that_is_told_to_stop_while_it_waits(server: Scripted) -> None:
    server.says("/v2/a/b/manifests/1", Say(429, headers={"Retry-After": "60"}))
    ours, faults = client(retry=Retry()), list[BaseException]()

    def ask() -> None:
        try:
            ours.get_manifest(name(server))
        except RegistryError as error:
            faults.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not server.seen:
        time.sleep(0.01)
    ours.abort()
    thread.join()
    assert faults
