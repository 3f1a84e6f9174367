"""What a build exported, as lines by name, so that two builds can be held against each other.

    a folder             {"bin/": "drwxr-xr-x 0:0", "bin/app": "-rwxr-xr-x 0:0 sha256:…"}
    an archive of files  the same
    an image             {"manifest linux/amd64": …, "config linux/amd64": …, "layers linux/amd64": …, "attestation …": …}

Moments of the build itself ("now"), and digests of what holds them, are left out: everything else has to be equal.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Tree = Mapping[str, str]
_START = datetime.now(UTC).replace(microsecond=0)
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_SHOWN = 200
"""Bytes of a text file that are shown as they are."""
_ATTESTATIONS = "vnd.docker.reference.type"


def read_output(path: Path) -> Tree:
    """Nothing for what is not there."""
    if path.is_dir():
        return dict(_folder(path)) if not (path / "index.json").exists() else _layout(lambda n: (path / n).read_bytes())
    if not path.exists() or not path.stat().st_size:  # begun before the build failed
        return {}
    with tarfile.open(path) as tar:
        names = tar.getnames()
        if "index.json" in names:
            return _layout(lambda name: _member(tar, name))
        return dict(_members(tar))


def _folder(top: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(top.rglob("*")):
        found = path.lstat()
        what = f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid}"
        name = str(path.relative_to(top))
        if path.is_symlink():
            yield name, f"{what} -> {path.readlink()}"
        elif path.is_file():
            yield name, f"{what} {_content(path.read_bytes())}"
        else:
            yield f"{name}/", what


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    for entry in tar.getmembers():
        what = f"{entry.type!r} {entry.mode:o} {entry.uid}:{entry.gid} {_without_now(_rfc3339(entry.mtime))}"
        data = _content(_member(tar, entry.name)) if entry.isfile() else entry.linkname
        yield entry.name, f"{what} {data}"


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None, name
    return file.read()


def _content(data: bytes) -> str:
    statement = _statement(data)
    if statement is not None:
        return statement
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    return repr(text) if text is not None and len(data) <= _SHOWN else f"sha256:{hashlib.sha256(data).hexdigest()}"


def _layout(read: Callable[[str], bytes]) -> Tree:
    """An OCI layout: every manifest below its index."""
    found: dict[str, str] = {}
    index = json.loads(read("index.json"))
    _manifests(read, index["manifests"], found)
    names = [m.get("annotations", {}).get("org.opencontainers.image.ref.name") for m in index["manifests"]]
    found["names"] = str(names)
    try:
        docker = json.loads(read("manifest.json"))
    except (KeyError, OSError):
        return found
    found["docker"] = str([(entry.get("RepoTags"), entry["Layers"]) for entry in docker])
    return found


def _manifests(read: Callable[[str], bytes], entries: list[dict[str, Any]], found: dict[str, str]) -> None:
    for entry in entries:
        data = json.loads(_blob(read, entry))
        if "manifests" in data:
            found[f"index {len(found)}"] = _shown({k: v for k, v in data.items() if k != "manifests"})
            _manifests(read, data["manifests"], found)
        else:
            _manifest(read, entry, data, found)


def _manifest(read: Callable[[str], bytes], entry: dict[str, Any], data: dict[str, Any], found: dict[str, str]) -> None:
    annotations = entry.get("annotations", {})
    kind = annotations.get(_ATTESTATIONS, "image")
    platform = "/".join(map(str, entry.get("platform", {}).values()))
    name = f"{len(found)} {kind} {platform}"
    layers = data["layers"]
    if kind != "image":
        for layer in layers:
            predicate = layer.get("annotations", {}).get("in-toto.io/predicate-type")
            found[f"{name} {predicate}"] = _content(_blob(read, layer))
        return
    config = json.loads(_blob(read, data["config"]))
    found[f"{name} entry"] = _shown({k: v for k, v in entry.items() if k not in ("digest", "size")})
    found[f"{name} manifest"] = _shown({k: v for k, v in data.items() if k not in ("config", "layers")})
    found[f"{name} config"] = _shown(config)
    found[f"{name} layers"] = _shown(layers)


def _blob(read: Callable[[str], bytes], descriptor: Mapping[str, Any]) -> bytes:
    return read("blobs/" + descriptor["digest"].replace(":", "/"))


def _shown(value: object) -> str:
    return _without_now(json.dumps(value, indent=1, sort_keys=True))


def _without_now(text: str) -> str:
    def shown(match: re.Match[str]) -> str:
        when = datetime.fromisoformat(match[0][:19] + "+00:00")
        return "NOW" if when >= _START else match[0]

    return _TIME.sub(shown, text)


def _statement(data: bytes) -> str | None:
    """An in-toto statement, without what tells one build, and one frontend, from another; None for anything else."""
    if not data.startswith(b"{") or b"in-toto.io/Statement" not in data:
        return None
    found = json.loads(data)
    for subject in found.get("subject") or ():
        subject.pop("digest", None)
    return _shown(_comparable(found))


_OF_ONE_BUILD = {
    *("buildInvocationID", "invocationID", "invocationId"),  # of the build
    *("frontend", "source", "root", "dockerfileVersion"),  # of who asked whom
    "digestMapping",  # local sources have names of their own, and so has what comes of them
}


def _comparable(value: Any) -> Any:  # noqa: ANN401  JSON
    """Without those, at any depth, and without the frontend's image among what a build was made of."""
    if isinstance(value, list):
        return [_comparable(one) for one in value if "dockerfile-frontend@" not in str(one)[:_SHOWN]]
    if not isinstance(value, dict):
        return value
    kept = {key: _comparable(one) for key, one in value.items() if key not in _OF_ONE_BUILD}
    return {key: one for key, one in kept.items() if one not in ({}, [])}
