"""A secret through every route of one build, and not a byte of it anywhere afterwards: store, outputs, metadata, what was shown."""

from __future__ import annotations

import base64
import gzip
import importlib.util
import secrets
from pathlib import Path

import pytest

from tests.components import require
from tests.executor.exporters.reading import ReadImage
from tests.running import ROOT, dfc

pytestmark = pytest.mark.e2e

DOCKERFILE = """FROM base
RUN --mount=type=secret,id=file,required cat /run/secrets/file && cp /run/secrets/file /dev/shm/x
RUN --mount=type=secret,id=env,env=TOKEN,required echo $TOKEN
RUN env | grep -q user && echo $HTTP_PROXY
"""


def write_base(folder: Path) -> None:
    spec = importlib.util.spec_from_file_location("base_image", ROOT / "fixtures/base_image.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    maker.write_layout(folder, require("busybox-static"))


def needles(value: str) -> list[bytes]:
    """A secret as it is, and in base64 at each of three places."""
    raw = value.encode()
    shifted = [base64.b64encode(b"x" * shift + raw)[shift + 2 : -4] for shift in range(3)]
    return [raw, raw.hex().encode(), *shifted]


def test_no_byte_of_a_secret_is_left(tmp_path: Path) -> None:
    in_file, in_env, in_url = (secrets.token_hex(16) for _ in range(3))
    (tmp_path / "secret").write_text(in_file)
    context, store = tmp_path / "context", tmp_path / "store"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    write_base(tmp_path / "base")
    archive, metadata = tmp_path / "app.tar", tmp_path / "metadata.json"
    done = dfc(
        "build", context, "--build-context", f"base=oci-layout://{tmp_path}/base:1.37", "--progress=rawjson",
        "--secret", f"id=file,src={tmp_path}/secret", "--secret", "id=env,env=OUR_TOKEN",
        "--build-arg", f"HTTP_PROXY=http://user:{in_url}@127.0.0.1:1/",
        "--provenance=mode=max", "--metadata-file", metadata, "-o", f"type=oci,dest={archive}", "-o", tmp_path / "out",
        env={"DFC_ROOT": str(store), "OUR_TOKEN": in_env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    found = ReadImage(archive)
    outputs = [done.stdout, done.stderr, metadata.read_bytes(), *found.files.values()]
    outputs += [gzip.decompress(data) for data in found.files.values() if data.startswith(b"\x1f\x8b")]
    files = [path for folder in (store, tmp_path / "out") for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    for name, value in (("file", in_file), ("env", in_env), ("url", in_url)):
        for needle in needles(value):
            assert not [data for data in outputs if needle in data], name
            assert not [str(path) for path in files if needle in path.read_bytes()], name
    assert (tmp_path / "out/bin/busybox").exists()
