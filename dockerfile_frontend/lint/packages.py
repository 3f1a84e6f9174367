"""Package managers: what installs, what says yes, what pins a version, what cleans up; one table for all rules.

apt-get install -y -t stable curl=8.* jq    ──▶  Install(APT, packages curl=8.*, jq; of these jq is not pinned)
"""

from __future__ import annotations

import re
from posixpath import normpath
from typing import TYPE_CHECKING, NamedTuple

from dockerfile_frontend.lint.commands import each_command, run_of, runs
from dockerfile_frontend.lint.mend import at_end, with_option
from dockerfile_frontend.lint.model import Finding
from dockerfile_frontend.lint.outputs import shipped_stages
from ir_schema.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockerfile_frontend.lint.commands import RunCommands
    from dockerfile_frontend.lint.facts import LintFile
    from dockerfile_frontend.lint.shell import Command, Word


class Manager(Record):
    """A package manager, as far as rules ask."""

    programs: tuple[str, ...]
    install: frozenset[str]
    """Verbs that install what is named behind them."""
    valued: frozenset[str]
    """Options whose value is the next word."""
    pinned: re.Pattern[str]
    """Found in a package that is held at a version, or is a file."""
    yes: frozenset[str] = frozenset()
    """Options that answer questions, without dashes."""
    asks: frozenset[str] = frozenset()
    """Verbs that ask questions."""
    clean_verbs: tuple[tuple[str, ...], ...] = ()
    """Words that empty the cache, one of these in order."""
    cleaners: tuple[str, ...] = ()
    """Other programs that take the same words for it."""
    caches: tuple[str, ...] = ()
    """Folders of the cache; removing one of them, or mounting over it, does, too."""
    filled_by: frozenset[str] = frozenset()
    """Verbs that fill the cache."""
    pin_hint: str = ""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


APT = Manager(
    ("apt-get",),
    install=_set("install"),
    valued=_set("-t --target-release --default-release -o --option -c --config-file -a --host-architecture"),
    pinned=re.compile(r"[=/]|\.deb$"),
    yes=_set("y yes assume-yes qq force-yes"),
    asks=_set("install"),
    clean_verbs=(("dist-clean",), ("distclean",)),
    cleaners=("apt",),
    caches=("/var/lib/apt/lists", "/var/lib/apt"),
    filled_by=_set("update"),
    pin_hint="name a version: {}=…",
)
APK = Manager(
    ("apk",),
    install=_set("add"),
    valued=_set(
        "-t --virtual -X --repository -p --root --keys-dir --repositories-file --wait --arch --cache-dir --cache-max-age"
    ),
    pinned=re.compile(r"[=<>~]|\.apk$"),
    caches=("/var/cache/apk", "/etc/apk/cache"),
    filled_by=_set("add"),
    pin_hint="name a version: {}=… or {}~…",
)
YUM = Manager(
    ("yum",),
    install=_set("install"),
    valued=_set("-c --config --enablerepo --disablerepo --installroot --releasever --setopt -x --exclude -d -e -R"),
    pinned=re.compile(r"-\d|\.rpm$|[/$]"),
    yes=_set("y yes assumeyes"),
    asks=_set("install groupinstall localinstall reinstall"),
    clean_verbs=(("clean", "all"),),
    caches=("/var/cache/yum",),
    filled_by=_set("install"),
    pin_hint="name a version: {}-1.2",
)
DNF = Manager(
    ("dnf", "microdnf"),
    install=_set("install"),
    valued=_set(
        "-c --config --enablerepo --repo --repoid --disablerepo --installroot --releasever --setopt -x --exclude -d -e -R"
    ),
    pinned=re.compile(r"-\d|\.rpm$|[/$:]"),
    yes=_set("y yes assumeyes"),
    asks=_set("install groupinstall localinstall reinstall"),
    clean_verbs=(("clean", "all"),),
    caches=("/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5"),
    filled_by=_set("install update upgrade"),
    pin_hint="name a version: {}-1.2",
)
ZYPPER = Manager(
    ("zypper",),
    install=_set("install in"),
    valued=_set("-r --repo --from -t --type -R --root -C --capability --name"),
    pinned=re.compile(r"[=<>~]|\.rpm$"),
    yes=_set("n non-interactive y no-confirm"),
    asks=_set("install in remove rm source-install si patch"),
    clean_verbs=(("clean",), ("cc",)),
    caches=("/var/cache/zypp", "/var/cache/zypper"),
    filled_by=_set("install in"),
    pin_hint="name a version: {}=…",
)


YARN = Manager(
    ("yarn",),
    install=_set("add"),
    valued=_set("--cwd --cache-folder --registry --modules-folder"),
    pinned=re.compile(r".@"),
    clean_verbs=(("cache", "clean"),),
    caches=(
        "/usr/local/share/.cache/yarn",
        "/usr/local/share/.cache",
        "/root/.yarn",
        "/root/.cache/yarn",
        "/root/.yarn/berry/cache",
    ),
    filled_by=_set("install"),
)


class Install(NamedTuple):
    """A command that installs, and what it names."""

    run: RunCommands
    command: Command
    packages: tuple[Word, ...]


def without_values(command: Command, valued: frozenset[str]) -> tuple[Word, ...]:
    """The arguments that are neither options nor the values of options."""
    found: list[Word] = []
    skip = False
    for word in command.args:
        if skip:
            skip = False
        elif word.text.startswith("-") and len(word.text) > 1:
            skip = word.text in valued
        else:
            found.append(word)
    return tuple(found)


def verb_of(command: Command, manager: Manager) -> str:
    """The first word that is no option; for `dnf module install`, what stands behind module."""
    plain = without_values(command, manager.valued)
    texts = [word.text for word in plain[:2]]
    return texts[-1] if texts[:1] == ["module"] else texts[0] if texts else ""


def verb_word(command: Command, manager: Manager) -> Word:
    """The word that `verb_of` gives the text of, or the last of the command's if there is none."""
    plain = without_values(command, manager.valued)
    verb = verb_of(command, manager)
    return next((word for word in plain[:2] if word.text == verb), command.words[-1])


def installs(file: LintFile, manager: Manager) -> Iterator[Install]:
    """Every command that installs packages by name."""
    for run, command in each_command(file, *manager.programs):
        plain = without_values(command, manager.valued)
        skip = 1 + (bool(plain) and plain[0].text == "module")
        if len(plain) >= skip and plain[skip - 1].text in manager.install:
            yield Install(run, command, plain[skip:])


def check_pins(file: LintFile, manager: Manager) -> Iterator[Finding]:
    """Packages without a version. One whose name is in a variable of unknown value is left alone."""
    for found in installs(file, manager):
        yield from unpinned(found, lambda text: manager.pinned.search(text) is not None, manager.pin_hint)


def unpinned(found: Install, is_pinned: Callable[[str], bool], hint: str) -> Iterator[Finding]:
    """A finding at the first package of a command that has no version, if one has none; {} in the hint is its name."""
    for word in found.packages:
        for text in known_texts(found.run, word):
            if not is_pinned(text):
                yield Finding(f"{text} is installed in whatever version is newest", word.span, hint.replace("{}", text))
                return


def known_texts(run: RunCommands, word: Word) -> list[str]:
    """What the word is with variables of the Dockerfile replaced; nothing when something in it has no known value."""
    if word.fixed:
        return [word.text]
    env = run.step.before.env
    text = re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda found: env.get(found[1] or found[2]) or found[0], word.text)
    return [] if re.search(r"[$`]", text) else text.split()


def check_yes(file: LintFile, manager: Manager) -> Iterator[Finding]:
    """Commands that stop and ask."""
    for _run, command in each_command(file, *manager.programs):
        if verb_of(command, manager) in manager.asks and not manager.yes & command.options:
            message = f"{command.name} asks before it goes on, and nobody answers"
            option = "-n" if manager is ZYPPER else "-y"
            word = command.words[0] if manager is ZYPPER else verb_word(command, manager)
            yield Finding(message, command.span, f"give it {option}", fix=with_option(file, word, option))


def check_clean(file: LintFile, manager: Manager) -> Iterator[Finding]:
    """RUNs that fill a cache which then stays in a layer of an image."""
    if not any(True for _ in each_command(file, *manager.programs)):
        return
    for filled in left_behind(file, manager, lambda command: _fills(command, manager)):
        run = run_of(file, filled)
        clean = " ".join((filled.name, *manager.clean_verbs[0]))
        fix = at_end(file, run, clean) if run else None
        yield Finding(f"what {filled.name} downloads stays in the layer", filled.span, _clean_hint(manager), fix=fix)


def left_behind(file: LintFile, manager: Manager, fills: Callable[[Command], bool]) -> Iterator[Command]:
    """Of every RUN whose layer is in an output, the last command that fills the cache, unless one behind it empties it."""
    shipped = shipped_stages(file)
    for run in runs(file):
        if run.step.stage is None or run.step.stage.index not in shipped or covers(run, *manager.caches):
            continue
        filled, at = None, run.step.before.workdir
        for command in run.commands:
            if command.name == "cd" and command.args:
                at = normpath(
                    f"{at}/{command.args[0].text}" if not command.args[0].text.startswith("/") else command.args[0].text
                )
            elif fills(command):
                filled = command
            elif filled is not None and cleans(command, manager, at):
                filled = None
        if filled is not None:
            yield filled


def _fills(command: Command, manager: Manager) -> bool:
    return command.name in manager.programs and verb_of(command, manager) in manager.filled_by


def _clean_hint(manager: Manager) -> str:
    command = " ".join((manager.programs[0], *manager.clean_verbs[0]))
    return f"{command} in the same RUN, or a cache mount on {manager.caches[0]}"


def cleans(command: Command, manager: Manager, at: str = "") -> bool:
    """Whether it empties the manager's cache; `at` is the folder it runs in."""
    if command.name in (*manager.programs, *manager.cleaners):
        plain = tuple([word.text for word in without_values(command, manager.valued)])
        return any(plain[: len(words)] == words for words in manager.clean_verbs)
    return command.name in ("rm", "find") and any(_removes(command, folder, at) for folder in manager.caches)


def _removes(command: Command, folder: str, at: str) -> bool:
    """Whether an argument is the folder, lies above it, or is what is in it."""
    for word in command.plain:
        path = word.text.rstrip("*").rstrip("/")
        if path and not path.startswith("/"):
            path = normpath(f"{at}/{path}")
        if path and (path == folder or path.startswith(f"{folder}/") or folder.startswith(f"{path}/")):
            return True
    return False


def covers(run: RunCommands, *folders: str) -> bool:
    """Whether a cache or tmpfs mount lies over one of the folders, or above it."""
    for mount in run.run.mounts:
        options = dict(option.strip().partition("=")[::2] for option in mount.split(","))
        target = next((options[name] for name in ("target", "dst", "destination") if name in options), "")
        if options.get("type") in ("cache", "tmpfs") and target:
            path = normpath(target)
            if any(folder == path or folder.startswith(f"{path}/") for folder in folders):
                return True
    return False
