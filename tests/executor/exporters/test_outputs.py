"""`-o` as text: what is understood, and how the rest is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.executor.exporters.outputs import Output, check_outputs, parse_output
from dockerfile_frontend.executor.solver.model import ExecutorError

READ = [
    ("out", Output("local", "out")),
    ("./a b", Output("local", "./a b")),
    ("-", Output("tar", "-")),
    ("type=tar", Output("tar", "-")),
    ("type=oci", Output("oci", "-")),
    ("type=oci,dest=a.tar", Output("oci", "a.tar")),
    ("type=docker,dest=a.tar,name=app:1", Output("docker", "a.tar", {"name": "app:1"})),
    ("type=docker-archive,dest=a.tar", Output("docker", "a.tar")),
    ("type=oci,tar=false,dest=a", Output("oci", "a", {"tar": "false"})),
    ('type=image,"name=a,b:2",push=true', Output("image", "", {"name": "a,b:2", "push": "true"})),
    ("type=registry,name=r.example/a", Output("image", "", {"name": "r.example/a", "push": "true"})),
    ('type=oci,"dest=a ""b"".tar"', Output("oci", 'a "b".tar')),
    ("TYPE=oci, Dest =a=b.tar", Output("oci", "a=b.tar")),
    ("type=cacheonly", Output("cacheonly")),
    ("type=local,dest=o,mode=delete,platform-split=0", Output("local", "o", {"mode": "delete", "platform-split": "0"})),
    ("type=oci,dest=a,compression=zstd,compression-level=22,force-compression=", Output("oci", "a", {
        "compression": "zstd", "compression-level": "22", "force-compression": ""})),
    ("type=oci,dest=a,annotation-index.k=v", Output("oci", "a", {"annotation-index.k": "v"})),
]  # fmt: skip


@pytest.mark.parametrize(("text", "output"), READ)
def test_read(text: str, output: Output) -> None:
    assert parse_output(text) == output


REFUSED = [
    ("", "invalid value", "type=oci"),
    ("type=oci,a.tar", "invalid value a.tar", "type=oci"),
    ("dest=a.tar,name=x", "type is required for output", "cacheonly | docker | image"),
    ("type=occi,dest=a", "exporter 'occi' could not be found", "did you mean oci?"),
    ("type=oci,dest=a,compresion=zstd", "exporter oci has no option 'compresion'", "did you mean compression?"),
    ("type=local,dest=a,name=x", "exporter local has no option 'name'", "there are type, dest"),
    ("type=oci,dest=a,compression=lz4", "unsupported layer compression 'lz4'", "gzip | zstd | uncompressed"),
    ("type=oci,dest=a,compression=estargz", "estargz layers are not made here", "gzip"),
    ("type=oci,dest=a,compression-level=10", "compression-level=10: gzip has levels 0 to 9", ""),
    ("type=oci,dest=a,compression-level=-1", "compression-level=-1: gzip has levels 0 to 9", ""),
    ("type=oci,dest=a,compression-level=two", "gzip has levels 0 to 9", ""),
    ("type=oci,dest=a,oci-mediatypes=no", "non-bool value specified for oci-mediatypes: 'no'", ""),
    ("type=oci,dest=a,oci-mediatypes=", "non-bool value specified for oci-mediatypes", ""),
    ("type=oci,dest=a,oci-mediatypes=false,compression=zstd", "conflicts with", ""),
    ("type=oci,dest=a,oci-mediatypes=0,oci-artifact=1", "conflicts with", ""),
    ("type=oci,dest=a,source-date-epoch=now", "is no number of seconds", ""),
    ("type=oci,dest=a,name=A:1", "failed to parse A:1: repository name must be lowercase", ""),
    ("type=oci,dest=a,name=a:b:c", "failed to parse a:b:c: invalid reference format", ""),
    ("type=oci,dest=a,buildinfo=true", "output option buildinfo is not supported", ""),
    ("type=image,unpack=true", "output option unpack is not supported", ""),
    ("type=image,dest=a", "exporter image has no option 'dest'", "type=oci"),
    ("type=image,push-by-digest=true", "needs push=true", ""),
    ("type=oci,dest=a,annotation-x.k=v", "unrecognized annotation type x", "manifest"),
    ("type=oci,dest=a,annotation=v", "invalid annotation 'annotation'", ""),
    ("type=oci,dest=a,annotation[linux].k=v", "invalid platform 'linux'", ""),
    ("type=local", "dest is required for local exporter", ""),
    ("type=local,dest=-", "dest cannot be stdout for local exporter", ""),
    ("type=oci,tar=false", "dest is required for oci exporter", ""),
    ("type=local,dest=a,mode=move", "invalid local exporter mode 'move'", "copy | delete"),
    ("type=local,dest=a,src=", "empty value for src", ""),
    ('type=oci,"dest=a', 'extraneous or missing " in quoted field', ""),
    ('type=oci,dest=a"b', 'bare " in non-quoted field', ""),
    ('type=oci,"dest=a"b', 'extraneous or missing " in quoted field', ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), REFUSED)
def test_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(ExecutorError) as refusal:
        parse_output(text)
    assert message in str(refusal.value)
    assert hint in refusal.value.hint


def test_destinations_are_checked_before_the_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cases = {
        f"type=oci,dest={tmp_path}": f"destination file {tmp_path} is a directory",
        f"type=tar,dest={tmp_path}/none/a.tar": "there is no directory",
        f"type=local,dest={tmp_path}/file": f"destination directory {tmp_path}/file is a file",
    }
    for text, message in cases.items():
        with pytest.raises(ExecutorError, match=message):
            check_outputs([parse_output(text)])
    with pytest.raises(ExecutorError, match="only one output can go to standard output"):
        check_outputs([parse_output("-"), parse_output("type=oci")])
    with pytest.raises(ExecutorError, match="failed to parse App: repository name must be lowercase"):
        check_outputs([parse_output("out")], ("app", "App"))
    check_outputs([parse_output("-"), parse_output(f"type=oci,dest={tmp_path}/a.tar"), parse_output(f"{tmp_path}/new")])
