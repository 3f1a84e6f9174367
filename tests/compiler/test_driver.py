"""What holds for every compilation, whatever the instructions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dockerfile_frontend.compiler.driver import check_dockerfile, outline_dockerfile
from dockerfile_frontend.compiler.lower.table import LOWER
from dockerfile_frontend.compiler.options import CompileOptions
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions import model
from dockerfile_frontend.instructions.table import TABLE
from ir_schema.legality import check_legality
from ir_schema.llb import encode_llb
from ir_schema.llb_reader import decode_llb
from ir_schema.ops import ExecOp, SourceOp
from tests.casefiles import Case, case_files
from tests.compiler.compiling import Images, compile_text
from tests.compiler.test_cases import compile_case

CASES = case_files(str(Path(__file__).parent / "test_cases.py"))
COMPILED = [case for case in CASES if "error" not in case.sections]


def test_every_instruction_has_a_row() -> None:
    kinds = {kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, model.Instruction)}
    families = {model.Instruction, model.Command, model.Files}
    assert set(LOWER) == kinds - families - {model.From}
    assert len(LOWER) + 1 == len(TABLE)


@pytest.mark.parametrize("case", COMPILED, ids=str)
def test_graphs_are_legal_and_read_back(case: Case) -> None:
    for target in compile_case(case).targets:
        assert check_legality(target.definition) == ()
        assert decode_llb(encode_llb(target.definition)) == target.definition


def test_same_bytes_whatever_the_hash_seed() -> None:
    script = (
        "import hashlib;from tests.compiler.compiling import compile_text;from ir_schema.llb import encode_llb;"
        "r=compile_text('FROM a AS x\\nARG A=1 B C\\nENV Q=1 R=2\\nLABEL z=1 y=2\\nVOLUME a b c\\nCOPY --link f g /h/\\n"
        "RUN --mount=type=secret,id=s,env=E --mount=from=x2,target=/t y\\n', {'label:q':'1','label:p':'2'});"
        "print(hashlib.sha256(encode_llb(r.target.definition)+r.target.config).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            check=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2]), "TZ": zone},
        ).stdout
        for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"), ("77", "America/Lima"))
    }
    assert len(outputs) == 1


def test_thousands_of_stages_and_instructions() -> None:
    stages = "FROM scratch AS s0\nCOPY a /a\n" + "".join(
        f"FROM s{n - 1} AS s{n}\nCOPY --from=s{n - 1} /a /a{n}\n" for n in range(1, 1000)
    )
    assert len(compile_text(stages).target.definition.vertices) == 1001
    runs = "FROM alpine\n" + "".join(f"ENV V{n + 1}=${{V{n}}}x\nRUN {n}\n" for n in range(500))
    vertices = list(compile_text(runs).target.definition.vertices.values())
    last = vertices[-1].op.body
    assert isinstance(last, ExecOp)
    assert last.meta is not None
    assert last.meta.env[-1] == "V500=" + "x" * 500


def test_images_are_told_beforehand_and_asked_in_the_mode_wanted() -> None:
    images = Images()
    dockerfile = "FROM a\nFROM b\nCOPY --from=c /x /y\nFROM unused\nFROM b\nCOPY --from=1 /z /z\n"
    compile_text(dockerfile, {"image-resolve-mode": "pull"}, images)
    wanted = {f"docker.io/library/{name}:latest" for name in "bc"}
    assert set(images.foretold) == wanted
    assert {ref for ref, _ in images.asked} == wanted
    assert {mode for _, mode in images.asked} == {"pull"}


def test_one_image_needs_no_foretelling() -> None:
    images = Images()
    compile_text("FROM a\n", images=images)
    assert images.foretold == []


def test_faults_have_a_place_and_a_hint() -> None:
    with pytest.raises(DockerfileError) as caught:
        compile_text("FROM alpine\n\nFROM nope\nRUN x\n", images=Images(others=False, configs={}))
    assert caught.value.span is not None
    assert caught.value.span.line == 3
    assert caught.value.hint == "is the name right?"


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        ("", "the Dockerfile cannot be empty"),
        ("# only a comment\n", "file with no instructions"),
        ("ARG A\n", "dockerfile contains no stages to build"),
        ("RUN x\n", "no build stage in current context"),
        ("# check=bogus\nFROM a\n", 'failed to parse check options: invalid check option "bogus"'),
    ],
)
def test_files_that_are_no_dockerfile(dockerfile: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        compile_text(dockerfile)
    assert str(caught.value) == message


def test_the_unique_id_and_the_file_name_can_be_given() -> None:
    target = compile_text("FROM scratch\nCOPY a /\n", {"filename": "x/Dockerfile.dev"}, unique_id="mine").target
    local = next(iter(target.definition.vertices.values())).op.body
    assert isinstance(local, SourceOp)
    assert local.attrs["local.unique"] == "mine"
    assert target.definition.source is not None
    assert [info.filename for info in target.definition.source.infos] == ["x/Dockerfile.dev"]


def test_the_base_image_is_handed_on() -> None:
    images = Images(
        {"docker.io/library/a:latest": {"author": "me", "rootfs": {"type": "layers", "diff_ids": ["sha256:0"]}}}
    )
    result = compile_text("FROM a AS x\nMAINTAINER you\nFROM x\n", images=images)
    assert (
        result.target.base_config
        == b'{"author":"me","architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:0"]},"config":{}}'
    )
    assert compile_text("FROM scratch\n").target.base_config is None


def test_an_outline_needs_no_graph() -> None:
    dockerfile = b"FROM alpine\nARG A\nRUN []\n"
    assert outline_dockerfile(dockerfile, CompileOptions(), Images()).target == 0


def test_checks_see_all_stages_and_what_came_before_a_fault() -> None:
    dockerfile = b"FROM alpine AS Unused\nCMD x\nFROM alpine\nMAINTAINER y\nSTOPSIGNAL nope\n"
    found = check_dockerfile(dockerfile, CompileOptions(), Images())
    assert {warning.code for warning in found.warnings} == {
        "StageNameCasing",
        "JSONArgsRecommended",
        "MaintainerDeprecated",
    }
    assert str(found.error) == "invalid signal: nope"


def test_checks_of_a_file_that_cannot_be_read() -> None:
    dockerfile = b"FROM alpine AS Up\nRUN x \\\n\n y\nMAINTAINER\nCMD x\n"
    found = check_dockerfile(dockerfile, CompileOptions(), Images())
    assert [warning.code for warning in found.warnings] == [
        "NoEmptyContinuation",
        "StageNameCasing",
        "MaintainerDeprecated",
    ]
    assert str(found.error) == "dockerfile parse error on line 5: MAINTAINER requires exactly one argument"
