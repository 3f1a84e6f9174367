"""What instructions take and refuse, and that every table has a row for each."""

from __future__ import annotations

from dataclasses import fields

import pytest

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.instructions import model as m
from dockerfile_frontend.instructions.expansion import FIELDS, expand
from dockerfile_frontend.instructions.mounts import KEYS, OPTIONS, Mount, parse_mount
from dockerfile_frontend.instructions.stages import parse
from dockerfile_frontend.instructions.table import TABLE


def instruction(line: str) -> m.Instruction:
    (found,) = parse(f"FROM a\n{line}".encode()).stages[0].instructions
    return found


def concrete(cls: type[m.Instruction]) -> set[type[m.Instruction]]:
    below = {c for sub in cls.__subclasses__() for c in concrete(sub)}
    return below or {cls}


def test_every_instruction_has_a_row() -> None:
    names = {cls.__name__.lower() for cls in concrete(m.Instruction)}
    assert names == set(TABLE)


def test_expansion_names_fields_that_exist() -> None:
    for cls, names in FIELDS.items():
        assert set(names) <= {f.name for f in fields(cls)}


def test_every_mount_option_is_known_to_suggestions() -> None:
    assert set(OPTIONS) == set(KEYS)


REFUSED = [
    ("COPY a", "COPY requires at least two arguments, but only one was provided. Destination could not be determined"),
    ("COPY --form=x a b", "unknown flag: --form (did you mean from?)"),
    ("COPY --link=x a b", "expecting boolean value for flag --link, not: x"),
    ("COPY --link= a b", "missing a value on flag: --link"),
    ("COPY --from a b", "missing a value on flag: --from"),
    ("COPY --from=a --from=b c d", "duplicate flag specified: --from"),
    ("COPY a <<E\nE", "COPY cannot accept a heredoc as a destination"),
    ("RUN --network=x y", 'invalid network mode "x"'),
    ("RUN --security=x y", 'security "x" is not valid'),
    ("RUN --device=x,y z", "invalid field 'y' must be a key=value pair"),
    ("RUN --mount=from=$x y", "'from' doesn't support variable expansion, define alias stage instead"),
    ("EXPOSE", "EXPOSE requires at least one argument"),
    ("USER", "USER requires exactly one argument"),
    ('VOLUME [""]', "VOLUME specified can not be an empty string"),
    ("SHELL x", "SHELL requires the arguments to be in JSON form"),
    ("ENV =a", "ENV names can not be blank"),
    ("ARG", "ARG requires at least one argument"),
    ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
    ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
    ("HEALTHCHECK X y", 'Unknown type "X" in HEALTHCHECK (try CMD)'),
    ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
    ("HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'),
    ("HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"),
    ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
    ("ONBUILD " * 5000 + "RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
    ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
    ("FROM a b", "FROM requires either one or three arguments"),
    ("FROM a AS 1", 'invalid name for build stage: "1", name can\'t start with a number or contain symbols'),
    ("RUNN x", "unknown instruction: RUNN (did you mean RUN?)"),
    ("runn x", "unknown instruction: runn (did you mean run?)"),
]


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_refusals(line: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        instruction(line)
    assert str(caught.value) == f"dockerfile parse error on line 2: {message}"


def test_an_instruction_before_from() -> None:
    with pytest.raises(DockerfileError, match="no build stage in current context"):
        parse(b"ARG A\nRUN x")


MOUNTS = [
    ("type=bind,target=/x", Mount("bind", target="/x")),
    ("target=/x,rw", Mount("bind", target="/x", readonly=False)),
    (
        "type=cache,dst=/c,id=i,sharing=locked,uid=1,gid=2,mode=0700",
        Mount("cache", target="/c", readonly=False, id="i", sharing="locked", uid=1, gid=2, mode=0o700),
    ),
    ("type=tmpfs,target=/t,size=64m", Mount("tmpfs", target="/t", readonly=False, size=64 << 20)),
    ("type=secret,id=s,required,env=E", Mount("secret", id="s", required=True, env="E")),
    ("type=ssh,required=false", Mount("ssh")),
    ('type=bind,"target=/a,b"', Mount("bind", target="/a,b")),
    ("TYPE=Bind,source=$A,target=/x", Mount("bind", source="<$A>", target="/x")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "mount"), MOUNTS)
def test_mounts(text: str, mount: Mount) -> None:
    assert parse_mount(text, lambda word: f"<{word}>" if "$" in word else word) == mount


BAD_MOUNTS = [
    ("", "failed to parse csv mounts: EOF"),
    ('type=bind,a"b', 'failed to parse csv mounts: parse error on line 1, column 12: bare " in non-quoted-field'),
    (
        '"type=bind',
        'failed to parse csv mounts: parse error on line 1, column 2: extraneous or missing " in quoted-field',
    ),
    ("type=bidn", 'unsupported mount type "bidn" (did you mean bind?)'),
    ("type=cache,sharing=mine", 'unsupported sharing value "mine"'),
    ("targt=/x", "unexpected key 'targt' in 'targt=/x' (did you mean target?)"),
    ("target", "invalid field 'target' must be a key=value pair"),
    ("size=1", "unexpected key 'size' for mount type 'bind'"),
    ("type=tmpfs,size=x", "invalid value for size: x"),
    ("required", "unexpected key 'required' for mount type 'bind'"),
    ("readonly=x", "invalid value for readonly: x"),
    ("mode=7", 'mode not allowed for "bind" type mounts'),
    ("type=cache,mode=9", "invalid value 9 for mode"),
    ("type=secret,id=a,from=b", "secret mount should not have a from"),
    ("type=secret", "invalid secret mount. one of source, target required"),
    ("type=secret,id=a,source=b", "both source and id can't be set"),
    ("type=bind,sharing=shared", "invalid cache sharing set for bind mount"),
]


@pytest.mark.parametrize(("text", "message"), BAD_MOUNTS)
def test_mounts_refused(text: str, message: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_mount(text, str)
    assert str(caught.value) == message


def test_expand_replaces_in_order() -> None:
    seen: list[str] = []

    def note(word: str) -> str:
        seen.append(word)
        return word

    expand(instruction("COPY --chown=1 --chmod=2 3 4 5"), note)
    assert seen == ["1", "2", "3", "4", "5"]


def test_descriptions_come_from_comments() -> None:
    parsed = parse(b"# A the first\nARG A=1\n# x does all\nFROM a AS x\n")
    assert parsed.meta_args[0].args[0].description == "the first"
    assert parsed.stages[0].from_.description == "does all"
