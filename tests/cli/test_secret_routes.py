"""A random secret through every route by which sources take one: no byte of it stays, plain or in base64."""

from __future__ import annotations

import base64
import json
import secrets
import tarfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from dockerfile_frontend.registry.media import OCI_MANIFEST
from tests.executor.sources.images import Image, digest_of
from tests.executor.sources.repositories import Repository, served
from tests.registry.servers import Say, Scripted, Seen
from tests.running import dfc

pytestmark = pytest.mark.e2e


class Word:
    """A secret, and whether somebody was shown it."""

    def __init__(self) -> None:
        self.text = f"s3cret-{secrets.token_hex(12)}"
        self.seen = False

    def basic(self, user: str) -> str:
        return base64.b64encode(f"{user}:{self.text}".encode()).decode()

    def traces(self) -> list[bytes]:
        """It, and what of its base64 is the same wherever it begins."""
        plain = self.text.encode()
        cuts = (base64.b64encode(b"x" * shift + plain)[(4 if shift else 0) : -4].rstrip(b"=") for shift in range(3))
        return [plain, *(cut[2:-2] for cut in cuts)]


@pytest.fixture
def words() -> dict[str, Word]:
    return {name: Word() for name in ("registry", "context", "token", "http", "proxy")}


@pytest.fixture
def registry(words: dict[str, Word]) -> Iterator[str]:
    """A base image behind a password."""
    image = Image.of({"base.txt": b"base"})
    with Scripted() as server:
        image.serve(server, "private/base", "1")
        want = Say(401, headers={"WWW-Authenticate": 'Basic realm="x"'})

        def guarded(path: str, say: Say) -> None:
            def answer(seen: Seen) -> Say:
                if seen.headers.get("authorization") != f"Basic {words['registry'].basic('joe')}":
                    return want
                words["registry"].seen = True
                return say

            server.says(path, answer)

        for blob in (*image.blobs, image.config):
            guarded(f"/v2/private/base/blobs/{digest_of(blob)}", Say(body=blob))
        for selector in ("1", image.digest):
            guarded(f"/v2/private/base/manifests/{selector}", Say(body=image.manifest, headers={"Content-Type": OCI_MANIFEST}))
        yield server.host


def test_no_byte_of_a_secret_stays(tmp_path: Path, words: dict[str, Word], registry: str) -> None:
    with Scripted() as web, served(tmp_path / "main", password=words["context"].text) as main, served(tmp_path / "lib") as lib:

        def file(seen: Seen) -> Say:
            words["http"].seen = seen.headers.get("authorization") == f"Bearer {words['http'].text}"
            return Say(body=b"file", headers={"ETag": '"1"'})

        web.says("/file.txt", file)
        Repository(tmp_path / "lib" / "lib.git").commit({"lib.txt": b"lib"})
        Repository(tmp_path / "main" / "app.git").commit({
            "Dockerfile": f"FROM {registry}/private/base:1\nARG URL\nCOPY a.txt /\nCOPY --from=lib lib.txt /\nADD $URL /\n".encode(),
            "a.txt": b"a",
        })
        done = run(tmp_path, words, registry, f"{main.host}/app.git", f"{lib.host}/lib.git", f"http://{web.host}/file.txt")
        assert done.returncode == 0, done.stderr.decode()
        words["context"].seen = any(words["context"].basic("joe") in header for header in main.secrets_seen)
        words["token"].seen = any(words["token"].basic("x-access-token") in header for header in lib.secrets_seen)
    words["proxy"].seen = True
    assert not [name for name, word in words.items() if not word.seen]
    search(tmp_path, words, done.stdout + done.stderr)


def run(tmp_path: Path, words: dict[str, Word], registry: str, main: str, lib: str, url: str) -> CompletedProcess[bytes]:
    (tmp_path / "docker").mkdir()
    auth = {"auths": {registry: {"auth": words["registry"].basic("joe")}}}
    (tmp_path / "docker" / "config.json").write_text(json.dumps(auth))
    environment = {
        "DFC_ROOT": str(tmp_path / "store"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "https_proxy": f"http://joe:{words['proxy'].text}@proxy.invalid:3128",
        "TOKEN": words["token"].text,
        "HTTP": words["http"].text,
    }
    return dfc(
        "build", f"http://joe:{words['context'].text}@{main}", "--build-context", f"lib=http://{lib}", "--build-arg", f"URL={url}",
        "--secret", f"id=GIT_AUTH_TOKEN.{lib.partition('/')[0]},env=TOKEN",
        "--secret", "id=HTTP_AUTH_TOKEN_127.0.0.1,env=HTTP", "--progress=rawjson",
        "--metadata-file", tmp_path / "metadata.json", "--provenance", "mode=max",
        "-o", f"type=oci,dest={tmp_path / 'out.tar'},compression=uncompressed", "-o", f"type=local,dest={tmp_path / 'out'}",
        env=environment,
    )  # fmt: skip


def search(tmp_path: Path, words: dict[str, Word], said: bytes) -> None:
    with tarfile.open(tmp_path / "out.tar") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    places = {"output": said, "metadata": (tmp_path / "metadata.json").read_bytes()}
    for folder in ("store", "out", "unpacked"):
        for path in (tmp_path / folder).rglob("*"):
            if path.is_file() and not path.is_symlink():
                places[str(path)] = path.read_bytes()
    assert len(places) > 20
    for place, content in places.items():
        for name, word in words.items():
            for trace in word.traces():
                assert trace not in content, (name, place)
