"""Which builds share a key and which must not: each way in which a cache is known to have served the wrong thing is a pair here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfile_frontend.executor.db import Database
from dockerfile_frontend.executor.files.digest import content_digest
from dockerfile_frontend.executor.files.source import TreeSource
from dockerfile_frontend.executor.ops import exec as exec_op
from dockerfile_frontend.executor.ops import file as file_op
from dockerfile_frontend.executor.ops.table import kind_of
from dockerfile_frontend.executor.solver.keys import Part, combine
from dockerfile_frontend.executor.solver.model import LocalView, OpKind, Result, Selection, Tree
from dockerfile_frontend.executor.solver.plan import Plan, Task, content_key, make_plan
from dockerfile_frontend.executor.solver.records import Records
from dockerfile_frontend.executor.worker import Worker
from ir_schema.definition import Definition, Vertex
from ir_schema.llb import encode_op
from ir_schema.ops import (
    CacheOpt,
    Chown,
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    HostIP,
    Input,
    Meta,
    MkDir,
    MkFile,
    Mount,
    MountType,
    NamedUser,
    NetMode,
    Op,
    OpMetadata,
    Platform,
    ProxyEnv,
    SecretOpt,
    SecurityMode,
    SourceOp,
    TmpfsOpt,
    Ulimit,
    User,
    WorkerConstraints,
)
from tests.compiler.compiling import compile_text
from tests.ir_schema import strategies


class Planner:
    """A worker that only plans: contexts are given as what each selection of them holds."""

    def __init__(self, folder: Path, context: Mapping[str, str]) -> None:
        self.records = Records(Database(str(folder / f"{os.urandom(4).hex()}.sqlite")))
        self.sources = SimpleNamespace(resolve=self._resolve)
        self.context = context

    def kind_of(self, op: Op) -> OpKind:
        if isinstance(op.body, ExecOp):
            return OpKind(exec_op.identity, exec_op.reads, lambda *_: ())
        return kind_of(op)

    @staticmethod
    def _resolve(tasks: Iterable[Task]) -> None:
        for task in tasks:
            identifier = cast("SourceOp", task.op.body).identifier
            if identifier.startswith("local://"):
                task.results = (LocalView(identifier),)
            else:
                task.key = combine("source", [Part("identifier", identifier.partition("@")[2])])

    def content_digest(self, _result: Result, selection: Selection) -> str:
        return f"{self.context.get(selection.path, '')}"

    def has_layers(self, _known: object) -> bool:
        return False


def plan_text(folder: Path, dockerfile: str, context: Mapping[str, str] | None = None, **options: str) -> Plan:
    wanted = {f"build-arg:{name}": value for name, value in options.items()}
    (target,) = compile_text(dockerfile, wanted).targets
    return make_plan([target.definition], cast("Worker", Planner(folder, context or {})))


def key_of(folder: Path, dockerfile: str, context: Mapping[str, str] | None = None, **options: str) -> str:
    """Key of the last step."""
    plan = plan_text(folder, dockerfile, context, **options)
    key = plan.tasks[plan.outputs[0].digest].key
    assert key is not None
    return key.digest


APART = {
    "heredoc of RUN": ("FROM b\nRUN <<E\necho one\nE\n", "FROM b\nRUN <<E\necho two\nE\n"),
    "heredoc of RUN with an interpreter": ("FROM b\nRUN python3 <<E\n1\nE\n", "FROM b\nRUN python3 <<E\n2\nE\n"),
    "heredoc of COPY": ("FROM b\nCOPY <<E /f\none\nE\n", "FROM b\nCOPY <<E /f\ntwo\nE\n"),
    "one of two heredocs": ("FROM b\nCOPY <<A <<B /\nx\nA\ny\nB\n", "FROM b\nCOPY <<A <<B /\nx\nA\nz\nB\n"),
    "arg in the source of COPY": ("FROM b\nARG d=one\nCOPY $d /x\n", "FROM b\nARG d=two\nCOPY $d /x\n"),
    "arg in the destination of COPY": ("FROM b\nARG d=one\nCOPY f /$d\n", "FROM b\nARG d=two\nCOPY f /$d\n"),
    "arg in WORKDIR": ("FROM b\nARG d=one\nWORKDIR /$d\n", "FROM b\nARG d=two\nWORKDIR /$d\n"),
    "arg that RUN sees": ("FROM b\nARG v=1\nRUN make\n", "FROM b\nARG v=2\nRUN make\n"),
    "env that RUN sees": ("FROM b\nENV v=1\nRUN make\n", "FROM b\nENV v=2\nRUN make\n"),
    "joined arguments": ('FROM b\nRUN ["a", "bc"]\n', 'FROM b\nRUN ["ab", "c"]\n'),
    "joined sources": ("FROM b\nCOPY a bc /d/\n", "FROM b\nCOPY ab c /d/\n"),
    "scratch and an image": ("FROM scratch\nCOPY f /\n", "FROM b\nCOPY f /\n"),
    "base image": ("FROM b\nRUN make\n", "FROM c\nRUN make\n"),
    "owner": ("FROM b\nCOPY --chown=1 f /\n", "FROM b\nCOPY --chown=2 f /\n"),
    "mode": ("FROM b\nCOPY --chmod=600 f /\n", "FROM b\nCOPY --chmod=644 f /\n"),
    "user": ("FROM b\nUSER 1\nRUN make\n", "FROM b\nUSER 2\nRUN make\n"),
    "shell": ('FROM b\nSHELL ["/bin/a"]\nRUN make\n', 'FROM b\nSHELL ["/bin/b"]\nRUN make\n'),
    "network": ("FROM b\nRUN --network=none make\n", "FROM b\nRUN make\n"),
    "security": ("FROM b\nRUN --security=insecure make\n", "FROM b\nRUN make\n"),
    "platform": ("FROM --platform=linux/amd64 b\nRUN make\n", "FROM --platform=linux/arm64 b\nRUN make\n"),
    "what a mounted stage is made of": (
        "FROM b AS s\nRUN one\nFROM b\nRUN --mount=from=s,target=/s make\n",
        "FROM b AS s\nRUN two\nFROM b\nRUN --mount=from=s,target=/s make\n",
    ),
    "where a bind mount looks": (
        "FROM b AS s\nFROM b\nRUN --mount=from=s,source=/one,target=/s make\n",
        "FROM b AS s\nFROM b\nRUN --mount=from=s,source=/two,target=/s make\n",
    ),
    "name of a secret": ("FROM b\nRUN --mount=type=secret,id=a make\n", "FROM b\nRUN --mount=type=secret,id=b make\n"),
    "an added link": ("FROM b\nCOPY --link f /\n", "FROM b\nCOPY f /\n"),
    "what is left out": ("FROM b\nCOPY --exclude=*.c . /\n", "FROM b\nCOPY --exclude=*.h . /\n"),
}


@pytest.mark.parametrize("case", APART)
def test_these_builds_do_not_share_a_key(case: str, tmp_path: Path) -> None:
    one, other = APART[case]
    assert key_of(tmp_path, one) != key_of(tmp_path, other)


def test_an_arg_of_one_stage_is_none_of_another(tmp_path: Path) -> None:
    """It counts where it is declared, and leaves a sibling alone."""
    dockerfile = "FROM b AS one\nARG v\nRUN use-it\nFROM b AS two\nRUN other\nFROM b\nCOPY --from=one /x /\nCOPY --from=two /y /\n"
    first, second = (
        {
            task.info.name: task.key.digest
            for task in plan_text(tmp_path, dockerfile, v=value).tasks.values()
            if task.key
        }
        for value in ("1", "2")
    )
    differing = {name for name in first if first[name] != second[name]}
    assert differing == {
        "[one 2/2] RUN use-it",
        "[stage-2 2/3] COPY --from=one /x /",
        "[stage-2 3/3] COPY --from=two /y /",
    }


@pytest.mark.parametrize(
    "line", ["HEALTHCHECK CMD a", "ONBUILD RUN a", "LABEL a=b", "CMD a", "EXPOSE 80", "STOPSIGNAL 9"]
)
def test_cve_2024_24557_what_only_the_config_says_is_never_cached(line: str, tmp_path: Path) -> None:
    """The files are the same, the config is made anew by each build: a cached result holds none."""
    plain, told = "FROM b\nRUN make\n", f"FROM b\nRUN make\n{line}\n"
    assert key_of(tmp_path, plain) == key_of(tmp_path, told)
    configs = [compile_text(text).targets[0].config for text in (plain, told)]
    assert configs[0] != configs[1]


def test_a_copy_counts_what_it_reads_of_the_context(tmp_path: Path) -> None:
    dockerfile = "FROM b\nCOPY src /src\n"
    assert key_of(tmp_path, dockerfile, {"/src": "1", "/other": "1"}) == key_of(
        tmp_path, dockerfile, {"/src": "1", "/other": "2"}
    )
    assert key_of(tmp_path, dockerfile, {"/src": "1"}) != key_of(tmp_path, dockerfile, {"/src": "2"})


# Ops

ROOT = Mount(dest="/")


def run(*mounts: Mount, meta: Meta | None = None, **more: Any) -> Op:
    given = meta or Meta(args=("make",), cwd="/", env=("A=1",))
    return Op((Input("a"), Input("b")), ExecOp(given, (ROOT, *mounts), **more), Platform("amd64", "linux"))


def identity(op: Op, *, by_content: bool = False) -> bytes:
    if isinstance(op.body, ExecOp):
        return exec_op.identity(op, by_content=by_content)
    return file_op.identity(op, by_content=by_content)


def test_what_does_not_change_a_result_is_not_in_the_key() -> None:
    plain = run()
    proxied = replace(
        cast("ExecOp", plain.body).meta or Meta(), proxy_env=ProxyEnv(http_proxy="http://user:secret@proxy")
    )
    assert identity(plain) == identity(run(meta=proxied))
    assert identity(plain) == identity(replace(plain, constraints=WorkerConstraints(("a=b",))))
    assert identity(plain) == identity(replace(plain, inputs=(Input("c"), Input("d"))))


def test_extra_hosts_count_by_name() -> None:
    hosts = [
        Meta(args=("a",), extra_hosts=(HostIP(name, ip),))
        for name, ip in (("h", "1.1.1.1"), ("h", "2.2.2.2"), ("i", "1.1.1.1"))
    ]
    one, moved, other = (identity(run(meta=meta)) for meta in hosts)
    assert one == moved != other


def test_a_cache_mount_counts_but_not_where_it_is_kept() -> None:
    one, other = (Mount(-1, dest="/c", output=-1, type=MountType.CACHE, cache=CacheOpt(name)) for name in ("a", "b"))
    assert identity(run(one)) == identity(run(other))
    assert identity(run(one)) != identity(run(replace(one, dest="/d")))
    assert identity(run(one)) != identity(run())


@pytest.mark.parametrize(
    "other",
    [
        run(network=NetMode.HOST),
        run(network=NetMode.NONE),
        run(security=SecurityMode.INSECURE),
        run(meta=Meta(args=("make", ""), cwd="/", env=("A=1",))),
        run(meta=Meta(args=("make",), cwd="/x", env=("A=1",))),
        run(meta=Meta(args=("make",), cwd="/", env=("A=1", "B=2"))),
        run(meta=Meta(args=("make",), cwd="/", env=("A=1",), user="u")),
        run(meta=Meta(args=("make",), cwd="/", env=("A=1",), hostname="h")),
        run(meta=Meta(args=("make",), cwd="/", env=("A=1",), valid_exit_codes=(1,))),
        run(meta=Meta(args=("make",), cwd="/", env=("A=1",), ulimit=(Ulimit("nofile", 1, 1),))),
        run(Mount(1, dest="/m", output=-1)),
        run(Mount(-1, dest="/m", output=-1, type=MountType.TMPFS)),
        run(Mount(-1, dest="/m", output=-1, type=MountType.TMPFS, tmpfs=TmpfsOpt(4096))),
        run(Mount(-1, dest="/m", output=-1, type=MountType.SECRET, secret=SecretOpt("s"))),
        replace(run(), platform=Platform("arm64", "linux")),
        replace(run(), platform=None),
    ],
)  # fmt: skip
def test_everything_else_is(other: Op) -> None:
    assert identity(run()) != identity(replace(other, platform=other.platform or Platform("arm64", "linux")))


def test_an_op_without_a_platform_is_for_this_machine() -> None:
    plain = replace(run(), platform=None)
    named = [
        replace(plain, platform=Platform(arch, "linux"))
        for arch in ("amd64", "arm64", "386", "arm", "riscv64", "s390x", "ppc64le")
    ]
    assert [identity(each) for each in named].count(identity(plain)) == 1


BIND = Mount(1, "one", "/m", -1, readonly=True)


def test_by_content_a_bind_mount_counts_for_what_it_shows() -> None:
    assert identity(run(BIND), by_content=True) == identity(run(replace(BIND, selector="two")), by_content=True)
    assert identity(run(BIND)) != identity(run(replace(BIND, selector="two")))


def test_a_mount_of_an_input_that_counts_by_definition_keeps_its_place() -> None:
    """A part of the root, mounted beside it: its content is not in the key, so its path must be."""
    one, other = (run(BIND, Mount(0, part, "/n", -1, readonly=True)) for part in ("usr", "etc"))
    assert exec_op.reads(one).keys() == {1}
    assert identity(one, by_content=True) != identity(other, by_content=True)


def copy(source: str, *, input: int = 0, secondary: int = 1, **more: Any) -> Op:  # noqa: A002  as the op's field
    return Op((Input("a"), Input("b")), FileOp((FileAction(input, secondary, 0, Copy(source, "/d/", **more)),)))


def test_by_content_a_copy_counts_for_the_name_that_it_gives() -> None:
    assert identity(copy("/one/f"), by_content=True) == identity(copy("/two/f"), by_content=True)
    assert identity(copy("/x/f"), by_content=True) != identity(copy("/x/g"), by_content=True)
    assert identity(copy("/x/f/"), by_content=True) != identity(copy("/x/g/"), by_content=True)


def test_a_copy_from_what_is_changed_keeps_its_place() -> None:
    """Input 0 counts by its definition, which says nothing of which file is taken from it."""
    body = [
        FileOp((FileAction(0, 0, -1, Copy(f"/{part}/f", "/d/")), FileAction(2, 1, 0, Copy("/x", "/d/"))))
        for part in ("usr", "etc")
    ]
    one, other = (Op((Input("a"), Input("b")), each) for each in body)
    assert file_op.reads(one).keys() == {1}
    assert identity(one, by_content=True) != identity(other, by_content=True)


NAMED = Chown(User(NamedUser("a", 0)))
OPTIONS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mode": ({"mode": 0o600}, {"mode": 0o644}),
    "symbolic mode": ({"mode_str": "u+x"}, {}),
    "timestamp": ({"timestamp": 5}, {"timestamp": 6}),
    "owner": ({"owner": Chown(User(by_id=0))}, {"owner": Chown(None, User(by_id=0))}),
    "name of the owner": ({"owner": NAMED}, {"owner": Chown(User(NamedUser("b", 0)))}),
    "joined patterns": ({"include_patterns": ("a", "b")}, {"include_patterns": ("ab",)}),
    "patterns in and out": ({"include_patterns": ("a",)}, {"exclude_patterns": ("a",)}),
    "required paths": ({"required_paths": ("a",)}, {}),
    "unpacking": ({"attempt_unpack": True}, {}),
    "content of directories": ({"dir_copy_contents": True}, {}),
    "destination that is made": ({"create_dest_path": True}, {}),
    "links": ({"follow_symlink": True}, {}),
    "wildcards": ({"allow_wildcard": True}, {"allow_empty_wildcard": True}),
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("by_content", [False, True])
def test_options_of_a_copy_count(option: str, *, by_content: bool) -> None:
    one, other = (copy("/f", **more) for more in OPTIONS[option])
    assert identity(one, by_content=by_content) != identity(other, by_content=by_content)


def test_actions_count_in_their_order() -> None:
    steps = (FileAction(-1, -1, -1, MkDir("/a")), FileAction(0, -1, 0, MkFile("/a/b", data=b"ab")))
    one = Op((), FileOp(steps))
    assert identity(one) != identity(Op((), FileOp(steps[::-1])))
    assert identity(one) != identity(Op((), FileOp((steps[0], replace(steps[1], input=-1)))))


BODIES = strategies.records(FileOp) | strategies.records(ExecOp)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Op, Op]:
    """Two ops that are alike but for some field, near the top or deep inside."""
    body = draw(BODIES)
    platform = draw(strategies.records(Platform))
    return Op((), body, platform), Op((), _changed(draw, body), platform)


def _changed(draw: st.DrawFn, record: Any) -> Any:
    name = draw(st.sampled_from(type(record).__match_args__))
    value = getattr(record, name)
    if isinstance(value, tuple) and value and hasattr(value[0], "__match_args__"):
        at = draw(st.integers(0, len(value) - 1))
        return replace(record, **{name: (*value[:at], _changed(draw, value[at]), *value[at + 1 :])})
    if hasattr(value, "__match_args__") and type(value).__match_args__ and draw(st.booleans()):
        return replace(record, **{name: _changed(draw, value)})
    return replace(record, **{name: getattr(draw(strategies.records(type(record))), name)})


def counted(op: Op) -> bytes:
    """The op without what must not count, by its own encoding."""
    body = op.body
    if isinstance(body, ExecOp):
        meta = body.meta and replace(
            body.meta, proxy_env=None, extra_hosts=tuple(HostIP(h.host) for h in body.meta.extra_hosts)
        )
        mounts = tuple(replace(m, cache=replace(m.cache, id="")) if m.cache else m for m in body.mounts)
        body = replace(body, meta=meta, mounts=mounts)
    return encode_op(replace(op, body=body))


@settings(max_examples=60)
@given(pairs())
def test_ops_that_differ_get_different_keys_and_equal_ones_the_same(pair: tuple[Op, Op]) -> None:
    one, other = pair
    assert (identity(one) == identity(other)) == (counted(one) == counted(other))


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4), st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_keys_of_different_parts_differ(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    keys = [combine("k", [Part(*part) for part in parts]).digest for parts in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


# Content


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trees")


Files = dict[str, str]
"""Content by path; a path that ends in a slash is a directory, content that begins with "->" a link."""


def digest_of(scratch: Path, files: Files, selection: Selection) -> str:
    root = scratch / os.urandom(8).hex()
    for path, content in files.items():
        where = root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            where.mkdir(exist_ok=True)
        elif content.startswith("->"):
            where.symlink_to(content[2:])
        else:
            where.write_text(content)
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with TreeSource(fd) as source:
            return content_digest(source, selection)
    finally:
        os.close(fd)


STAR = Selection("/s/*", wildcard=True, follow=False)
TREE = Selection("/s", follow=False)


@pytest.mark.parametrize(
    ("one", "other", "selection"),
    [
        ({"s/a/b": "x"}, {"s/a/": "", "s/b": "x"}, STAR),
        ({"s/a/b/": ""}, {"s/a/": "", "s/b/": ""}, STAR),
        ({"s/a/b/c": "x"}, {"s/a/b": "x"}, STAR),
        ({"s/ab": "c"}, {"s/a": "bc"}, STAR),
        ({"s/a": "x", "s/b": "y"}, {"s/a": "y", "s/b": "x"}, STAR),
        ({"s/a": "->x"}, {"s/a": "x"}, STAR),
        ({"s/a/b": "x"}, {"s/ab": "x"}, TREE),
        ({"s/a": "", "s/b": ""}, {"s/a": ""}, TREE),
        ({"s/a": "->b"}, {"s/a": "->c"}, TREE),
        ({"s/a/": ""}, {"s/a": ""}, TREE),
        ({"s": "x"}, {"s/x": ""}, TREE),
    ],
)
def test_trees_that_differ_have_different_digests(
    scratch: Path, one: Files, other: Files, selection: Selection
) -> None:
    assert digest_of(scratch, one, selection) != digest_of(scratch, other, selection)


NAMES = st.sampled_from(["a", "b", "ab", "a/b", "a/c", "b/a", "a/b/c", "c/", "a/d/"])
TREES = st.dictionaries(NAMES, st.sampled_from(["", "x", "xy", "->a", "->b"]), max_size=5).filter(
    lambda files: (
        not any(other.startswith(f"{path.rstrip('/')}/") for path in files for other in files if not path.endswith("/"))
    )
)


@settings(max_examples=60)
@given(
    TREES,
    TREES,
    st.sampled_from([TREE, STAR, Selection("/s", include=("**",)), Selection("/s", exclude=("zzz",))]),
)
def test_a_digest_is_that_of_what_is_there(scratch: Path, one: Files, other: Files, selection: Selection) -> None:
    def shape(files: Files) -> dict[str, str]:
        whole = {f"{above}/": "" for path in files for above in _above(path)}
        return {**whole, **{path: "" if path.endswith("/") else content for path, content in files.items()}}

    digests = [
        digest_of(scratch, {"s/": "", **{f"s/{k}": v for k, v in files.items()}}, selection) for files in (one, other)
    ]
    assert (digests[0] == digests[1]) == (shape(one) == shape(other))


def _above(path: str) -> list[str]:
    parts = path.strip("/").split("/")[:-1]
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def test_times_do_not_count_modes_and_attributes_do(tmp_path: Path) -> None:
    file = tmp_path / "s" / "f"
    file.parent.mkdir()
    file.write_text("x")

    def digest() -> str:
        fd = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with TreeSource(fd) as source:
                return content_digest(source, Selection("/s"))
        finally:
            os.close(fd)

    before = digest()
    os.utime(file, (1, 1))
    assert digest() == before
    file.chmod(0o700)
    changed = digest()
    assert changed != before
    os.setxattr(file, "user.note", b"1")
    assert digest() not in {before, changed}


def test_a_key_by_content_needs_all_that_is_read(tmp_path: Path) -> None:
    """Without the result of an input nothing stands for what the op leaves out of its identity."""
    origin = Vertex.of(Op(body=SourceOp("docker-image://x@sha256:1")))
    copied = Vertex.of(Op((Input(origin.digest), Input(origin.digest)), copy("/f").body))
    definition = Definition(
        {v.digest: v for v in (origin, copied)}, Input(copied.digest), {copied.digest: OpMetadata()}
    )
    worker = cast("Worker", Planner(tmp_path, {}))
    plan = make_plan([definition], worker)
    task = plan.tasks[copied.digest]
    assert content_key(task, plan.tasks, worker) is None
    plan.tasks[origin.digest].results = (Tree(("1",)),)
    assert content_key(task, plan.tasks, worker) is not None
