"""Our own rules: what they find besides their examples, and what they must not find."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.lint.fix import fix_data
from dockerfile_frontend.lint.run import Wishes
from dockerfile_frontend.lint.table import Selection
from tests.lint.linting import lint_text

FOUND = [
    ("DFC101", "FROM a\nFROM b\nFROM 0\n", 2),
    ("DFC102", "FROM scratch\nENV A=1\nFROM b\nCOPY --from=0 x /\n", 1),
    ("DFC102", "FROM scratch AS a\nLABEL a=b\nFROM a AS c\nFROM d\nCOPY --from=C x /\n", 1),
    ("DFC103", "FROM a AS one\nCOPY --from=two x y\nFROM b AS two\n", 1),
    ("DFC103", "FROM a AS build\nFROM b\nRUN --mount=type=bind,from=buidl,target=/x make\n", 1),
    ("DFC104", 'FROM a\nENTRYPOINT ["x", "y",]\n', 1),
    ("DFC104", "FROM a\nCOPY ['x', '/y']\n", 1),
    ("DFC104", "FROM a\nCMD [\u201cx\u201d]\n", 1),
    ("DFC105", "#syntex=docker/dockerfile:1\nFROM a\n", 1),
    ("DFC105", "# syntax: docker/dockerfile:1\nFROM a\n", 1),
    ("DFC105", "\n# escape=`\nFROM a\n", 1),
    ("DFC106", "ARG A B=1\nFROM x:$A\n", 1),
    ("DFC107", "ARG V=1\nFROM a\nRUN <<E\ncurl x-${V}.tgz\nE\n", 1),
    ("DFC107", 'ARG V=1\nFROM a AS b\nARG V\nFROM c\nRUN echo "it\'s $V"\n', 1),
    ("DFC201", "FROM a\nRUN curl -fsSLk https://x.org\n", 1),
    ("DFC201", "FROM a\nRUN git -c http.sslVerify=false clone https://x.org/y\n", 1),
    ("DFC201", "FROM a\nRUN git config --global http.sslVerify false\n", 1),
    ("DFC201", "FROM a\nRUN python3 -m pip install --trusted-host x.org y\n", 1),
    ("DFC201", "FROM a\nRUN npm config set strict-ssl false && export GIT_SSL_NO_VERIFY=1\n", 2),
    ("DFC201", "FROM a\nENV X=1 NODE_TLS_REJECT_UNAUTHORIZED=0\nARG PIP_TRUSTED_HOST=pypi.org\n", 2),
    ("DFC202", "FROM a\nRUN apt-get install -y --allow-unauthenticated x && yum install --nogpgcheck y\n", 2),
    ("DFC202", 'FROM a\nRUN echo "deb [arch=amd64 trusted=yes] https://x.org ./" > /etc/apt/sources.list\n', 1),
    ("DFC203", "FROM a\nENV T=ghp_" + "a1B2" * 9 + "\n", 1),
    ("DFC203", "FROM a\nRUN <<E\n-----BEGIN RSA PRIVATE KEY-----\nE\n", 1),
    ("DFC204", "FROM a\nRUN printf 'u:%s' | chpasswd\nRUN echo secret | passwd --stdin root\n", 2),
    ("DFC205", "FROM a\nADD .aws/credentials /root/.aws/\n", 1),
    ("DFC206", 'FROM a\nVOLUME ["/a", "/run/docker.sock"]\n', 1),
    ("DFC301", "FROM a\nADD . /x\nRUN cd /x && pip install --no-cache-dir -r requirements.txt\n", 1),
    ("DFC302", "FROM a\nRUN apt update -y\nRUN apt install -y x\nRUN apt-get update\nRUN apt-get install y\n", 2),
    ("DFC303", "FROM a\nARG GIT_SHA=x\nRUN a\nRUN b\nENV SHA=$GIT_SHA\n", 1),
    ("DFC003", "FROM a \nRUN x \\ \n  y\t\n# z \n", 4),
    ("DFC004", "FROM a\nRUN x \\", 1),
    ("DFC113", "FROM a AS b\nUSER me\nFROM b\nCOPY x y\nADD x y\n", 2),
    ("DFC114", 'FROM a AS b\nRUN adduser -D me && x\nFROM b\nENTRYPOINT ["/app"]\n', 1),
    ("DFC115", "FROM a\nADD --link bin/x /usr/bin/\nRUN chmod +x /usr/bin/x && y\n", 1),
    ("DFC116", "FROM a\nWORKDIR /etc/\nWORKDIR /proc/1\nENV A=/usr/lib\nWORKDIR $A\n", 3),
    ("DFC208", "FROM a\nARG P=22\nEXPOSE 80 $P\nEXPOSE 22/TCP\n", 2),
    ("DFC209", "FROM a AS b\nFROM b AS c\nFROM c\nCOPY --from=b x y\n", 1),
    ("DFC210", "FROM a:1\nCOPY --from=b:1 x y\nRUN --mount=from=c:1,target=/x y\n", 3),
    ("DFC305", "FROM a\nRUN apt-get -y full-upgrade\nRUN dnf -y distro-sync\n", 2),
]

SILENT = [
    ("DFC101", "FROM a AS dev\nFROM b\n"),
    ("DFC101", "FROM a\nFROM b AS x\nCOPY --from=0 y y\nFROM c\n"),
    ("DFC101", "FROM a\nFROM b\nRUN --mount=from=0,target=/x make\n"),
    ("DFC102", "FROM scratch AS none\nFROM a\nCOPY --from=none / /\n"),
    ("DFC102", "FROM scratch AS a\nWORKDIR /x\nFROM b\nCOPY --from=a x /\n"),
    ("DFC102", "FROM scratch AS a\nFROM b\nCOPY --from=a$X x /\n"),
    ("DFC103", "FROM a AS build\nFROM b\nCOPY --from=nginx x y\nCOPY --from=build/x:1 x y\nCOPY --from=BUILD x y\n"),
    ("DFC103", "FROM a AS build\nFROM b\nCOPY --from=buil$T x y\nCOPY --from=0 x y\n"),
    ("DFC104", 'FROM a\nRUN [ "$x" = "y" ]\nRUN [ -f x ] && y\nRUN [[ "a" == "b" ]]\nCMD ["x"]\n'),
    ("DFC104", "FROM a\nLABEL x=['a']\nENV Y ['a']\n"),
    ("DFC105", "# syntax=docker/dockerfile:1\n# a note: see docs/dockerfile.md\n# escape=the past\nFROM a\n"),
    ("DFC105", "# syntax=docker/dockerfile:1\n\n# syntax=docker/dockerfile:1\nFROM a\n"),
    ("DFC106", "ARG A=1\nARG B=x:$A\nFROM $B\n"),
    ("DFC106", "ARG A\nFROM x\nARG A\n"),
    ("DFC106", "ARG BUILDKIT_SYNTAX=x\nARG HTTP_PROXY\nARG TARGETARCH\nFROM x\n"),
    ("DFC106", "ARG A\nFROM x AS b\nFROM y\nCOPY --from=$A a b\n"),
    ("DFC107", "ARG V=1\nFROM a:$V\nRUN V=2; echo $V\n"),
    ("DFC107", "ARG V=1\nFROM a\nRUN echo '$V' \\$V \"\\$V\" ${V:-none} ${Vx} $Vx\n"),
    ("DFC107", "ARG V=1\nFROM a\nENV V=2\nRUN echo $V\n"),
    ("DFC107", "ARG V=1\nFROM a AS b\nARG V\nFROM b\nRUN for V in 1 2; do echo $V; done\n"),
    ("DFC107", "ARG NODE_VERSION=20\nFROM node:$NODE_VERSION\nRUN echo $NODE_VERSION\n"),
    ("DFC108", "FROM scratch\nADD rootfs.tar /\nRUN make\n"),
    ("DFC108", 'FROM scratch\nRUN --mount=from=busybox,target=/b ["/b/sh"]\n'),
    ("DFC109", "FROM scratch\nCOPY --from=a /etc/passwd /etc/passwd\nUSER app\n"),
    ("DFC109", "FROM scratch\nADD rootfs.tar.gz /\nUSER app\n"),
    ("DFC109", "FROM scratch\nUSER 1:app\nUSER $U\nFROM a\nUSER b\n"),
    ("DFC111", "FROM a\nCOPY absent /\n"),
    ("DFC201", "FROM a\nRUN curl -o k -fsSL https://x.org/-k && curl -k https://localhost:8443/\n"),
    ("DFC201", "FROM a\nRUN npm config set strict-ssl true && sort -k 2 x\nENV NODE_TLS_REJECT_UNAUTHORIZED=1\n"),
    ("DFC201", "FROM a\nRUN curl --data-k x https://x.org && tar -k x\n"),
    ("DFC202", 'FROM a\nRUN echo "deb [ trusted=yes ] file:///tmp/x ./" > /etc/apt/sources.list.d/x.list\n'),
    ("DFC203", "FROM a\nRUN git clone https://user:$TOKEN@x.org/y && curl https://user:password@x.org\n"),
    ("DFC203", "FROM a\n# ghp_" + "a1B2" * 9 + "\nENV A=AKIAIOSFODNN7EXAMPLE B=https://x.org:8080/y@z.org\n"),
    ("DFC204", 'FROM a\nRUN echo "u:$P" | chpasswd && echo x | tee passwd\n'),
    ("DFC205", "FROM a\nCOPY id_rsa.pub .npmrc config.json /\nCOPY --from=b /root/.netrc /\n"),
    ("DFC206", "FROM a\nVOLUME /var/run\n"),
    ("DFC207", "FROM a\nRUN --mount=type=secret,id=t make\nRUN --mount=type=secret,id=t,env=T echo x\n"),
    ("DFC207", "FROM a\nRUN --mount=type=secret,id=t,target=/root/.netrc curl https://x.org\n"),
    ("DFC301", "FROM a\nCOPY package.json .\nRUN npm ci\nCOPY . .\nRUN npm install\n"),
    ("DFC301", "FROM a\nCOPY . .\nRUN npm install -g x && pip install . && go build\n"),
    ("DFC301", "FROM a\nCOPY --from=b . .\nRUN npm ci\n"),
    ("DFC301", "FROM a\nCOPY . .\nRUN --mount=type=cache,target=/root/.npm npm ci\n"),
    ("DFC302", "FROM a\nRUN apt-get update && ./install.sh\nRUN apt-get install x\n"),
    ("DFC302", "FROM a\nRUN apt-get update && apt-get install x\nRUN apt-get install y\n"),
    ("DFC302", "FROM a\nRUN apt-get update\nRUN apt-get update && apt-get install x\n"),
    ("DFC303", "FROM a\nARG GIT_SHA\nRUN make\n"),
    ("DFC303", "FROM a\nARG GIT_SHA\nRUN make V=$GIT_SHA\nRUN x\nARG CACHEBUST\nRUN y\nENV Z=$CACHEBUST\n"),
    ("DFC003", "FROM a\r\nRUN <<E\nx \nE\nRUN b\n"),
    ("DFC004", ""),
    ("DFC113", "FROM a\nCOPY x y\nUSER 0\nCOPY x y\nUSER me\nCOPY --chown=0 x y\n"),
    ("DFC113", "FROM mcr.microsoft.com/windows/nanoserver:1\nUSER ContainerUser\nCOPY x y\n"),
    ("DFC114", 'FROM a\nRUN useradd me\nENTRYPOINT ["/docker-entrypoint"]\n'),
    ("DFC114", 'FROM a\nRUN useradd me\nCMD ["gosu", "me", "x"]\n'),
    ("DFC114", "FROM a\nRUN useradd me\n"),
    ("DFC114", 'FROM a AS b\nRUN useradd me\nFROM c\nCOPY --from=b x y\nCMD ["x"]\n'),
    ("DFC115", "FROM a\nCOPY x y /bin/\nRUN chmod 755 /bin/x\nCOPY --chmod=1 x /x\nRUN chmod 755 /x\n"),
    ("DFC115", "FROM a\nCOPY x /x\nRUN y\nRUN chmod 755 /x\nCOPY x /x\nRUN chmod 755 /x /y\n"),
    ("DFC116", "FROM a\nWORKDIR /usr/lib/app\nWORKDIR /app/bin\nWORKDIR $X\nWORKDIR /\n"),
    ("DFC208", "FROM a\nEXPOSE 2222 22/udp 122\n"),
    ("DFC209", "FROM a AS b\nUSER me\nFROM b\n"),
    ("DFC210", f"FROM a@sha256:{'0' * 64} AS b\nFROM b\nCOPY --from=0 x y\nFROM scratch\nFROM x$Y\n"),
    ("DFC305", "FROM a\nRUN apt-get upgrade -y && apt-get install dist-upgrade-tool=1 && dnf update\n"),
]


@pytest.mark.parametrize(("rule", "text", "count"), FOUND)
def test_it_is_found(rule: str, text: str, count: int) -> None:
    found = [one for one in lint_text(text, rule).findings if one.rule == rule]
    assert len(found) == count
    for one in found:
        assert one.span is not None
        assert (one.span.end_line, one.span.end_column) > (one.span.line, one.span.column) >= (1, 1)


@pytest.mark.parametrize(("rule", "text"), SILENT)
def test_it_is_not_found(rule: str, text: str) -> None:
    assert [one.message for one in lint_text(text, rule).findings if one.rule == rule] == []


def test_a_missing_source_is_found_where_the_context_is_known(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("")
    text = (
        "FROM a AS b\nARG D=src\nCOPY src/*.py $D /src/a.py ../src ./ /x/\nCOPY *.go /\nADD https://x.org/y $U /\n"
        "COPY --from=c gone /\nCOPY <<E /z\nE\nADD src/gone.py /\n"
    )
    found = lint_text(text, "DFC111", context=str(tmp_path)).findings
    assert [one.message for one in found] == [
        "there is no *.go in the build context",
        "there is no src/gone.py in the build context",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CMD ['a', 'b c']", 'CMD ["a", "b c"]'),
        ('CMD ["a", "b",]', 'CMD ["a", "b"]'),
        ("CMD [\u201ca\u201d]", 'CMD ["a"]'),
        ("CMD ['it\\'s']", "CMD ['it\\'s']"),
        ("CMD ['a' 'b']", "CMD ['a' 'b']"),
    ],
)
def test_a_broken_array_is_mended_where_it_has_one_meaning(before: str, after: str) -> None:
    wishes = Wishes(Selection(("DFC104",)), fixes="unsafe")
    assert fix_data("x", f"FROM a\n{before}\n".encode(), wishes).data.decode() == f"FROM a\n{after}\n"
