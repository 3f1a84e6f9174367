"""Both frontends asked by asker/main.go for what buildctl cannot: keys of results, graphs as inputs, files of results.

    with asking(program, daemon) as asker:
        asker.ask({"Options": {"requestid": "frontend.targets"}, "Locals": {"context": "…", "dockerfile": "…"}})
            ──▶  {"Metadata": {"result.json": "{…}", "version": "1.0.0"}, "Refs": {}, …}
"""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.e2e.frontend.frontends import EITHER

PATIENCE = 120
"""Seconds that an answer may take."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asker:
    """The client's process: jobs in, answers out, many at a time."""

    jobs: IO[bytes]
    waiting: dict[int, Future[Json]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, job: Mapping[str, Any]) -> Future[Json]:
        with self.lock:
            number = next(self.numbers)
            answer = self.waiting[number] = Future[Json]()
            self.jobs.write(json.dumps({**job, "ID": number}).encode() + b"\n")
            self.jobs.flush()
            return answer

    def ask(self, job: Mapping[str, Any]) -> Json:
        return self.begin(job).result(PATIENCE)

    def listen(self, answers: IO[bytes]) -> None:
        """Until the client ends."""
        for line in answers:
            answer = json.loads(line)
            if "Error" in answer:  # how it begins is chance, as in buildctl
                answer["Error"] = EITHER.sub("failed to solve: ", answer["Error"])
            self.waiting.pop(answer.pop("ID")).set_result(answer)
        for future in self.waiting.values():
            future.set_exception(EOFError("the client has ended"))


@contextmanager
def asking(program: Path, daemon: str) -> Iterator[Asker]:
    with subprocess.Popen([str(program), daemon], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asker = Asker(process.stdin)
        listener = threading.Thread(target=asker.listen, args=(process.stdout,), daemon=True)
        listener.start()
        try:
            yield asker
        finally:
            process.stdin.close()
            listener.join(PATIENCE)


def by(frontend: str, job: Mapping[str, Any]) -> Json:
    """The same question to a frontend: an image's, or with "" the one that is built in."""
    options = {"cmdline": "x", **job.get("Options", {}), **({"source": frontend} if frontend else {})}
    inputs = {
        name: {**given, "Job": by(frontend, given["Job"])} if "Job" in given else given
        for name, given in job.get("Inputs", {}).items()
    }
    return {**job, "Frontend": "gateway.v0" if frontend else "dockerfile.v0", "Options": options, "Inputs": inputs}


def without_chance(answer: Json) -> Json:
    """Without sessions, and the digests that hang on them; without seconds."""
    metadata = dict(answer.get("Metadata", {}))
    for key, text in metadata.items():
        if text.startswith(("{", "[")):
            metadata[key] = json.dumps(_settled(json.loads(text)), indent=1)
    warnings = sorted(json.dumps(_settled(json.loads(text))) for text in answer.get("Warnings", ()))
    places = [_SESSION.sub("", text) for text in answer.get("Places", ())]
    kept = {key: value for key, value in answer.items() if key != "Left"}
    return kept | {"Metadata": metadata, "Warnings": warnings, "Places": places}


_SESSION = re.compile(r"(?<=\"local\.session\": \")\w+|(?<=\"local\.unique\": \")\w+")


def _settled(value: Any) -> Any:  # noqa: ANN401  JSON
    """JSON with sources' own graphs left out, and with the ops of a graph by what they say instead of by digest."""
    if isinstance(value, list):
        return [_settled(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "def" in value and isinstance(value["def"], dict):
        return _numbered(value)
    return {key: _settled(one) for key, one in value.items() if key not in ("definition", "vertex")}


def _numbered(graph: Json) -> Json:
    """A graph in JSON, as convertllb answers, with its ops in the order of what they say."""
    names: dict[str, str] = {}

    def name(digest: str) -> str:
        if digest not in names:
            op = dict(graph["def"][digest])
            op["inputs"] = [{**one, "digest": name(one["digest"])} for one in op.get("inputs", ())]
            for attribute in ("local.session", "local.unique"):
                op.get("source", {}).get("attrs", {}).pop(attribute, None)
            names[digest] = json.dumps(op)
        return names[digest]

    order = {digest: f"op {place}" for place, digest in enumerate(sorted(graph["def"], key=name))}
    text = json.dumps(graph)
    for digest, place in order.items():
        text = text.replace(digest, place)
    found: Json = json.loads(text)
    for group in (one.get("progress_group", {}) for one in found.get("metadata", {}).values()):
        group.pop("id", None)
    source = found.get("source") or found.get("Source") or {}
    for info in source.get("infos", ()):
        info.pop("definition", None)
    ordered: Json = json.loads(json.dumps(found, sort_keys=True))
    return ordered
