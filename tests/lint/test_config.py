"""Which configuration holds for a Dockerfile, what it may say, and what is said of one that cannot be followed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dockerfile_frontend.lint.config.find import Configs, matches, read_config, selection_for
from dockerfile_frontend.lint.config.hadolint import FORMATS
from dockerfile_frontend.lint.config.model import Config, ConfigError, PathRules
from dockerfile_frontend.lint.config.values import LABEL_TYPES
from dockerfile_frontend.lint.model import Settings
from dockerfile_frontend.lint.table import Selection
from tests.running import dfc

TEXT = "FROM debian\nWORKDIR app\nRUN sudo make\n"
TAG = "python/object/apply:os.system"
NO_TAG = f"could not determine a constructor for the tag 'tag:yaml.org,2002:{TAG}'"
ERROR = "did you mean error?"
EVERY = """\
ignored: [DL3008, SC2086, dl3005]
override:
  error: [DL3002]
  style: [DL3015, SC1091]
trustedRegistries: docker.io
label-schema:
  author: text
  version: semver
strict-labels: true
failure-threshold: warning
format: gitlab_codeclimate
no-color: true
no-fail: false
disable-ignore-pragma: true
"""


def ran(*arguments: str, cwd: Path, code: int, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    done = dfc(*arguments, cwd=cwd, stdin=stdin)
    assert done.returncode == code, done.stderr
    return done


def found(folder: Path, *flags: str, code: int = 1) -> list[tuple[str, str, str]]:
    """File, rule and severity of what a call finds."""
    done = ran("lint", "--format", "json", *flags, cwd=folder, code=code)
    return [(row["file"], row["code"], row["level"]) for row in json.loads(done.stdout)]


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_every_setting_of_hadolint_is_read(tmp_path: Path) -> None:
    config = read_config(str(write(tmp_path, **{".hadolint.yaml": EVERY}) / ".hadolint.yaml"))
    assert config == Config(
        str(tmp_path / ".hadolint.yaml"),
        ignore=("DL3008", "SC2086"),
        severity=(("DL3002", "error"), ("DL3015", "style"), ("SC1091", "style")),
        fail_level="warning",
        form="gitlab",
        color=False,
        inline=False,
        settings=Settings(("docker.io",), {"author": "text", "version": "semver"}, strict_labels=True),
    )


def test_every_setting_of_ours_is_read(tmp_path: Path) -> None:
    text = (
        'select = ["DL"]\nextend-select = ["DL3057"]\nignore = ["DL3008"]\nseverity = {DL3002 = "error", DL3003 = "off"}\n'
        'fail-level = "error"\nformat = "sarif"\ncolor = false\ninline = false\nshellcheck = true\nstrict-labels = true\n'
        'trusted-registries = ["*.gcr.io"]\nlabel-schema = {author = "email"}\n'
    )
    override = 'extend-select = ["DFC002"]\nignore = ["DFC"]\nseverity = {DL = "info"}\n'
    wanted = Config(
        "",
        ("DL",),
        ("DL3057",),
        ("DL3008",),
        (("DL3002", "error"), ("DL3003", "off")),
        "error",
        "sarif",
        color=False,
        inline=False,
        shellcheck=True,
        settings=Settings(("*.gcr.io",), {"author": "email"}, strict_labels=True),
        per_path=(PathRules("tests/**", ("DFC002",), ("DFC",), (("DL", "info"),)),),
    )
    for name, table in ((".dfc.toml", "lint"), ("pyproject.toml", "tool.dfc.lint")):
        path = tmp_path / name
        path.write_text(f'[{table}]\n{text}[{table}.per-path."tests/**"]\n{override}')
        config = read_config(str(path))
        assert config.path == str(path)
        assert [getattr(config, field) for field in Config.__match_args__[1:]] == [
            getattr(wanted, field) for field in Config.__match_args__[1:]
        ]


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        ("x.toml", "[lint]\nignroe = []\n", "2: there is no setting ignroe", "did you mean ignore?"),
        ("x.toml", "[lint.severity]\n\nDL3006 = 'eror'\n", "3: DL3006 is one of error, warning, info, style, off, not eror", ERROR),
        ("x.toml", "[lint]\nselect = [\n 'DL300x']\n", "2: there is no rule DL300x", "did you mean DL3000?"),
        ("x.toml", "[lint]\nselect = 'DL3000'\n", "2: select is no list of strings", ""),
        ("x.toml", "[lint]\ninline = 1\n", "2: inline is true or false", ""),
        ("x.toml", "[lint]\nlabel-schema = {a = 'tixt'}\n", f"2: a is one of {', '.join(LABEL_TYPES)}, not tixt", "did you mean text?"),
        ("x.toml", "[lint.per-path.'a/*']\nselect = []\n", "2: there is no setting select", "there are extend-select, ignore, severity"),
        ("x.toml", "[lint]\nper-path = 1\n", "2: per-path is no table of settings", ""),
        ("x.toml", "lint = 1\n", "1: lint is no table of settings", ""),
        ("x.toml", "[lint\n", "1: is no TOML: Expected ']' at the end of a table declaration (at line 1, column 6)", ""),
        ("x.toml", "[tool]\n", " has no table [lint]", ""),
        ("x.yaml", "ignored: [DL3008]\noverride:\n  erorr: []\n", "3: there is no setting erorr", "did you mean error?"),
        ("x.yaml", "trustedregistries: x\n", "1: there is no setting trustedregistries", "did you mean trustedRegistries?"),
        ("x.yaml", "\nignored: [DL3080]\n", "2: there is no rule DL3080", "did you mean DL3000?"),
        ("x.yaml", "failure-threshold: fatal\n", "1: failure-threshold is one of error, warning, info, style, ignore, none, not fatal", ""),
        ("x.yaml", "format: codacy\n", "1: the format codacy is not written here", f"there are {', '.join(FORMATS)}"),
        ("x.yaml", "- a\n", "1: the configuration is no table of settings", ""),
        ("x.yaml", "a: [\n", "2: is no YAML: expected the node content, but found '<stream end>'", ""),
        ("x.yaml", "[" * 5000, " is no YAML: it nests too deeply", ""),
        ("x.yaml", f"a: !!{TAG} [ls]\n", f"1: is no YAML: {NO_TAG}", ""),
        ("x.json", "", " is no configuration by its name", "a .toml, a pyproject.toml, or hadolint's .yaml"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_named(
    name: str, text: str, message: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_config(name)
    assert str(caught.value) == f"{name}:{message}"
    assert caught.value.hint == hint


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".dfc.toml"
    path.write_bytes(b"[lint]\n\xff")
    with pytest.raises(ConfigError, match=r"\.dfc\.toml:2: is not UTF-8"):
        Configs().of(str(tmp_path / "Dockerfile"))
    path.write_bytes(b"#" * (2 << 20))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        Configs().of(str(tmp_path / "Dockerfile"))
    path.unlink()
    path.symlink_to(path)
    assert Configs().of(str(tmp_path / "Dockerfile")).path == ""
    with pytest.raises(ConfigError, match="cannot be read: Too many levels"):
        Configs(str(path))


def test_the_nearest_configuration_holds(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "pyproject.toml": '[tool.dfc.lint]\nselect = ["DL3000"]\n',
            ".hadolint.yaml": "ignored: [DL3000]\n",
            "a/.hadolint.yml": "ignored: [DL3006]\noverride: {info: [DL3004]}\n",
            "a/b/pyproject.toml": "[tool.other]\n",
            "a/c/.dfc.toml": '[lint]\nselect = ["DL3004"]\nfail-level = "none"\n',
            "a/c/pyproject.toml": "[tool.dfc.lint]\nselect = []\n",
        },
    )
    for name in ("Dockerfile", "a/Dockerfile", "a/b/Dockerfile", "a/c/Dockerfile"):
        write(tmp_path, **{name: TEXT})
    rows = found(tmp_path)
    in_a = [("WorkdirRelativePath", "error"), ("DL3004", "info")]
    assert rows == [
        ("Dockerfile", "DL3000", "error"),
        *[("a/Dockerfile", *row) for row in in_a],
        *[("a/b/Dockerfile", *row) for row in in_a],
        ("a/c/Dockerfile", "DL3004", "error"),
    ]
    assert found(tmp_path, "a/c", code=0) == [("a/c/Dockerfile", "DL3004", "error")]
    assert len(found(tmp_path, "a/c", "--isolated")) == 3
    assert found(tmp_path, "--config", "pyproject.toml", "a/c") == [("a/c/Dockerfile", "DL3000", "error")]


def test_standard_input_has_the_configuration_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, **{"a/.dfc.toml": '[lint]\nselect = ["DL3000"]\nformat = "gnu"\n'})
    done = ran("lint", "-", "--stdin-filename", "a/Dockerfile", cwd=tmp_path, stdin=TEXT.encode(), code=1)
    assert "DL3000" in done.stdout.decode()
    assert "DL3004" not in done.stdout.decode()
    done = ran("lint", "-", cwd=tmp_path / "a", stdin=TEXT.encode(), code=1)
    assert done.stdout.decode() == "stdin:2:9: error: app is a relative path (begin it with /) [DL3000]\n"


def test_flags_go_before_the_configuration() -> None:
    config = Config("/x/.dfc.toml", ("DL",), ("DL3057",), ("DL3008",), (("DL3009", "error"),))
    assert selection_for(config, "/x/Dockerfile", Selection()) == Selection(
        ("DL",), ("DL3057",), ("DL3008",), (("DL3009", "error"),)
    )
    assert selection_for(config, "/x/Dockerfile", Selection(("DL3008",), ("DFC002",))) == Selection(
        ("DL3008",), ("DFC002",), (), (("DL3009", "error"),)
    )
    given = Selection(ignore=("DL3000",), severity=(("DL3009", "info"),))
    assert selection_for(config, "/x/Dockerfile", given) == Selection(
        ("DL",), ("DL3057",), ("DL3000",), (("DL3009", "error"), ("DL3009", "info"))
    )


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("tests", "/x/tests/Dockerfile", True),
        ("tests", "/x/a/tests/b/Dockerfile", True),
        ("tests/", "/x/a/tests/b/Dockerfile", True),
        ("tests/**", "/x/tests/a/Dockerfile", True),
        ("tests/**", "/x/a/tests/Dockerfile", False),
        ("a/*/Dockerfile", "/x/a/b/Dockerfile", True),
        ("a/*/Dockerfile", "/x/a/b/c/Dockerfile", False),
        ("**/c", "/x/a/b/c/Dockerfile", True),
        ("*.Dockerfile", "/x/a/ci.Dockerfile", True),
        ("*.Dockerfile", "/x/a/Dockerfile", False),
        ("/a", "/x/a/Dockerfile", True),
        ("/a", "/x/b/a/Dockerfile", False),
        ("Dockerfile", "/y/Dockerfile", False),
        ("test", "/x/tests/Dockerfile", False),
    ],
)
def test_a_pattern_means_names_folders_and_paths(pattern: str, path: str, fits: bool) -> None:  # noqa: FBT001
    assert matches(pattern, path, "/x") is fits


def test_settings_for_some_paths_come_on_top(tmp_path: Path) -> None:
    text = '[lint]\nselect = ["DL3000", "DL3004"]\n[lint.per-path.old]\nignore = ["DL3000"]\nseverity = {DL3004 = "style"}\n'
    write(tmp_path, **{".dfc.toml": text, "Dockerfile": TEXT, "old/Dockerfile": TEXT})
    assert found(tmp_path) == [
        ("Dockerfile", "DL3000", "error"),
        ("Dockerfile", "DL3004", "error"),
        ("old/Dockerfile", "DL3004", "style"),
    ]


def test_a_configuration_that_cannot_be_followed_is_wrong_use(tmp_path: Path) -> None:
    write(tmp_path, **{"a/.dfc.toml": '[lint]\nignore = ["DL3OO8"]\n', "a/Dockerfile": TEXT})
    done = ran("lint", "a", cwd=tmp_path, code=2)
    assert done.stdout == b""
    assert done.stderr.decode() == "dfc: error: a/.dfc.toml:2: there is no rule DL3OO8\n  hint: did you mean DL3008?\n"
    done = ran("lint", "a", "--config", "a/.dfc.toml", "--isolated", cwd=tmp_path, code=2)
    assert "--isolated wants none" in done.stderr.decode()
