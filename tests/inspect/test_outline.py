"""The outline for people: everything a target takes from outside, a table each."""

from __future__ import annotations

from dockerfile_frontend.compiler.options import parse_options
from dockerfile_frontend.inspect.lines import plain
from dockerfile_frontend.inspect.outline import outline_json, show_outline
from dockerfile_frontend.inspect.stage_graph import read_stages
from tests.compiler.compiling import Images, compile_text

DOCKERFILE = """\
# GO version of the toolchain
ARG GO=1.22
FROM busybox:${GO} AS build
# V what it calls itself
ARG V=1
ARG W
COPY . /src
RUN --mount=type=cache,target=/c --mount=type=secret,id=token,required=true --mount=type=ssh \\
    --mount=from=tools:1,source=/bin,target=/t make $V $W
FROM --platform=linux/arm64 alpine AS unused
# app is what runs
FROM scratch AS app
COPY --from=build /o /
"""
IMAGES = Images({f"docker.io/library/{name}": {} for name in ("busybox:1.22", "tools:1")})


def outline(**options: str) -> list[str]:
    facts = compile_text(DOCKERFILE, options, IMAGES).target.outline
    picture = read_stages(DOCKERFILE.encode(), parse_options(options), "Dockerfile")
    given = {key.removeprefix("build-arg:") for key in options if key.startswith("build-arg:")}
    return list(plain(show_outline(outline_json(facts), picture, given)))


def test_all_tables() -> None:
    assert outline(**{"build-arg:V": "2"}) == [
        "target  app  is what runs",
        "",
        "build arg  value  from                        description",
        "GO         1.22   Dockerfile:2                version of the toolchain",
        "V          2      --build-arg (Dockerfile:5)  what it calls itself",
        "W                 nobody (Dockerfile:6)",
        "",
        "secret  required  first used",
        "token   yes       Dockerfile:8-9",
        "",
        "ssh      required  first used",
        "default  no        Dockerfile:8-9",
        "",
        "cache mount  used by",
        "/c           build",
        "",
        "from outside  kind     used by",
        "busybox:1.22  image    base of build",
        "context       context  copy of build",
        "tools:1       image    mount of build",
        "",
        "mounted  in     where      lines",
        "tools:1  build  /bin → /t  Dockerfile:8-9",
    ]


def test_a_platform_is_told_and_what_the_target_does_not_need_is_not() -> None:
    assert not any("arm64" in line for line in outline())
    text = "FROM --platform=linux/arm64 alpine\n"
    picture = read_stages(text.encode(), parse_options({}), "Dockerfile")
    facts = compile_text(text, {}, Images({"docker.io/library/alpine:latest": {}})).target.outline
    assert list(plain(show_outline(outline_json(facts), picture, ()))) == [
        "target  (default)",
        "",
        "from outside  kind   platform     used by",
        "alpine        image  linux/arm64  base of stage-0",
    ]
