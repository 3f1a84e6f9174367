"""Files in directories and tars, and destinations that somebody has prepared."""

from __future__ import annotations

import os
import socket
import stat
import tarfile
from pathlib import Path

import pytest

from dockerfile_frontend.executor.exporters.outputs import BuildFacts, Image, export, parse_output
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.store import Store
from ir_schema.ops import Platform

from .conftest import AMD64, ARM64, STAMP, Export, add_layer, image_config

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes device nodes and files of other owners")


def listing(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def layered(store: Store) -> Image:
    """Two layers, the upper of which deletes a file of the lower."""

    def lower(root: Path) -> None:
        (root / "etc").mkdir()
        (root / "etc/old").write_text("old")
        (root / "etc/motd").write_text("one")

    def upper(root: Path) -> None:
        (root / "etc/old").unlink()
        (root / "etc/motd").write_text("two")

    return Image(AMD64, add_layer(store, add_layer(store, (), lower), upper), image_config())


def give_image(image: Image, machine: Machine, *texts: str, **facts: object) -> dict[str, object]:
    return export([parse_output(text) for text in texts], [image], machine, BuildFacts(**facts))  # type: ignore[arg-type]  # by name


def test_a_directory_is_merged_into(store: Store, machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "etc/motd").mkdir(parents=True)
    (out / "etc/motd/full").write_text("in the way")
    (out / "etc/kept").write_text("kept")
    give_image(layered(store), machine, str(out))
    assert listing(out) == ["etc", "etc/kept", "etc/motd"]
    assert (out / "etc/motd").read_text() == "two"


def test_mode_delete_removes_the_rest(store: Store, machine: Machine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "etc/gone").mkdir(parents=True)
    (out / "etc/gone/file").write_text("")
    (out / "top").write_text("")
    give_image(layered(store), machine, f"type=local,dest={out},mode=delete")
    assert listing(out) == ["etc", "etc/motd"]


def test_files_are_ours(give: Export, tmp_path: Path) -> None:
    give(str(tmp_path / "out"))
    tool = tmp_path / "out/bin/tool"
    status = tool.stat()
    assert stat.S_IMODE(status.st_mode) == 0o755  # setuid is left behind
    assert (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
    assert int(status.st_mtime) == int((tmp_path / "out/bin").stat().st_mtime) == STAMP
    assert status.st_ino == (tmp_path / "out/bin/twin").stat().st_ino
    assert (tmp_path / "out/bin/link").readlink() == Path("tool")
    give(str(tmp_path / "out"))  # once more over what is there
    assert listing(tmp_path / "out") == ["bin", "bin/link", "bin/tool", "bin/twin", "ünï"]


def test_an_epoch_is_the_time_of_all(give: Export, tmp_path: Path) -> None:
    give(str(tmp_path / "out"), f"type=tar,dest={tmp_path}/a.tar", source_date_epoch=1234)
    assert {int(path.lstat().st_mtime) for path in (tmp_path / "out").rglob("*")} == {1234}
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert {member.mtime for member in archive} == {1234}


def test_part_of_a_tree(give: Export, tmp_path: Path) -> None:
    give(f"type=local,dest={tmp_path}/out,src=/bin", f"type=tar,dest={tmp_path}/a.tar,src=bin")
    assert listing(tmp_path / "out") == ["link", "tool", "twin"]
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getnames() == ["link", "tool", "twin"]
    for src, message in (("nowhere", "no such file or directory"), ("/bin/link", "not a directory"), ("../../etc", "no such")):
        with pytest.raises(ExecutorError, match=message):
            give(f"type=local,dest={tmp_path}/out,src={src}")


def test_platforms_get_folders(store: Store, machine: Machine, tmp_path: Path) -> None:
    images = []
    for platform in (AMD64, ARM64, Platform("arm", "linux", "v7")):
        layers = add_layer(store, (), lambda root, p=platform: (root / "arch").write_text(p.architecture))  # type: ignore[misc]  # bound now
        images.append(Image(platform, layers, image_config(platform)))
    out = tmp_path / "out"
    export([parse_output(str(out)), parse_output(f"type=tar,dest={tmp_path}/a.tar")], images, machine, BuildFacts())
    assert listing(out) == [
        "linux_amd64", "linux_amd64/arch", "linux_arm64", "linux_arm64/arch", "linux_arm_v7", "linux_arm_v7/arch",
    ]  # fmt: skip
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getnames() == sorted(listing(out), key=images_order)
    with pytest.raises(ExecutorError, match="cannot overwrite arch from linux/amd64 with linux/arm64"):
        export([parse_output(f"type=local,dest={out},platform-split=false")], images, machine, BuildFacts())
    export([parse_output(f"type=local,dest={tmp_path}/one,platform-split=true")], images[:1], machine, BuildFacts())
    assert listing(tmp_path / "one") == ["linux_amd64", "linux_amd64/arch"]


def images_order(name: str) -> tuple[int, str]:
    return (["linux_amd64", "linux_arm64", "linux_arm_v7"].index(name.partition("/")[0]), name)


def test_links_in_the_destination_lead_nowhere(store: Store, machine: Machine, tmp_path: Path) -> None:
    """A destination prepared by somebody else: links where the tree has directories and files."""
    outside = tmp_path / "outside"
    (outside / "etc").mkdir(parents=True)
    (outside / "etc/motd").write_text("host")
    out = tmp_path / "out"
    out.mkdir()
    (out / "etc").symlink_to(outside / "etc")
    give_image(layered(store), machine, str(out))
    assert (outside / "etc/motd").read_text() == "host"
    assert not (out / "etc").is_symlink()
    (out / "etc/motd").unlink()
    (out / "etc/motd").symlink_to(outside / "etc/motd")
    give_image(layered(store), machine, f"type=local,dest={out},mode=delete")
    assert (outside / "etc/motd").read_text() == "host"
    assert (out / "etc/motd").read_text() == "two"


def test_a_deleted_link_keeps_what_it_points_to(store: Store, machine: Machine, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("")
    out = tmp_path / "out"
    out.mkdir()
    (out / "link").symlink_to(outside)
    give_image(layered(store), machine, f"type=local,dest={out},mode=delete")
    assert listing(out) == ["etc", "etc/motd"]
    assert (outside / "precious").exists()


def test_links_of_the_tree_stay_links(store: Store, machine: Machine, tmp_path: Path) -> None:
    """A tree whose links point out of it, and that writes below one in a higher layer."""

    def lower(root: Path) -> None:
        (root / "a").symlink_to("/etc")
        (root / "b").symlink_to("../../../../etc/passwd")

    def upper(root: Path) -> None:
        (root / "a").unlink()
        (root / "a").mkdir()
        (root / "a/passwd").write_text("tree")

    first = add_layer(store, (), lower)
    for layers in (first, add_layer(store, first, upper)):
        give_image(Image(AMD64, layers, image_config()), machine, str(tmp_path / "out"))
    assert (tmp_path / "out/a/passwd").read_text() == "tree"
    assert os.readlink(tmp_path / "out/b") == "../../../../etc/passwd"


@needs_root
def test_devices_and_rights_stay_behind(store: Store, machine: Machine, tmp_path: Path) -> None:
    def fill(root: Path) -> None:
        os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(root / "disk", stat.S_IFBLK | 0o666, os.makedev(7, 0))
        os.mkfifo(root / "pipe", 0o640)
        (root / "su").write_text("#!")
        os.chown(root / "su", 1000, 1000)
        (root / "su").chmod(0o6755)
        os.setxattr(root / "su", "user.note", b"kept")
        os.setxattr(root / "su", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))

    image = Image(AMD64, add_layer(store, (), fill), image_config())
    log: list[bytes] = []

    def listen(digest: str, stream: int, data: bytes) -> None:
        log.append(data)

    machine.events.log = listen  # type: ignore[method-assign]  # listened to
    give_image(image, machine, str(tmp_path / "out"), f"type=tar,dest={tmp_path}/a.tar")
    out = tmp_path / "out"
    assert listing(out) == ["pipe", "su"]
    assert stat.S_IMODE((out / "su").stat().st_mode) == 0o755
    assert (out / "su").stat().st_uid == 0
    assert os.listxattr(out / "su") == ["user.note"]
    assert stat.S_ISFIFO((out / "pipe").stat().st_mode)
    assert b"left out disk: devices" in log[0]
    with tarfile.open(tmp_path / "a.tar") as archive:
        members = {member.name: member for member in archive}
    assert members["null"].ischr()
    assert (members["null"].devmajor, members["null"].devminor) == (1, 3)
    assert members["su"].mode == 0o6755
    assert members["su"].uid == 1000
    assert {*members["su"].pax_headers} == {"SCHILY.xattr.security.capability", "SCHILY.xattr.user.note"}


def test_sockets_are_in_no_output(store: Store, machine: Machine, tmp_path: Path) -> None:
    def fill(root: Path) -> None:
        (root / "file").write_text("")
        where = os.open(root, os.O_PATH)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"/proc/self/fd/{where}/socket")
        os.close(where)

    image = Image(AMD64, add_layer(store, (), fill), image_config())
    give_image(image, machine, str(tmp_path / "out"), f"type=tar,dest={tmp_path}/a.tar", f"type=oci,dest={tmp_path}/o.tar")
    assert listing(tmp_path / "out") == ["file"]
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert archive.getnames() == ["file"]


def test_the_root_directory_is_refused(give: Export, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/")
    for dest in ("/", "/../", "//", str(tmp_path / "link")):
        with pytest.raises(ExecutorError, match="refusing to write over the root directory"):
            give(dest)


def test_a_deep_tree(store: Store, machine: Machine, tmp_path: Path) -> None:
    depth = 600

    def fill(root: Path) -> None:
        fd = os.open(root, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir("directory", dir_fd=fd)
            below = os.open("directory", os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = below
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd))
        os.link("file", "twin", src_dir_fd=fd, dst_dir_fd=fd)
        os.close(fd)

    image = Image(AMD64, add_layer(store, (), fill), image_config())
    give_image(image, machine, str(tmp_path / "out"))
    give_image(image, machine, f"type=local,dest={tmp_path}/out,mode=delete,src=/directory")
    fd = os.open(tmp_path / "out", os.O_RDONLY)
    for _ in range(depth - 1):
        below = os.open("directory", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    assert sorted(os.listdir(fd)) == ["file", "twin"]
    os.close(fd)


def test_equal_files_are_left_alone(store: Store, machine: Machine, tmp_path: Path) -> None:
    image, out = layered(store), tmp_path / "out"
    give_image(image, machine, str(out))
    before = (out / "etc/motd").stat()
    give_image(image, machine, str(out))
    assert (out / "etc/motd").stat() == before
    (out / "etc/motd").chmod(0o600)
    os.utime(out / "etc/motd", (1, 1))
    give_image(image, machine, f"type=local,dest={out},mode=delete")
    after = (out / "etc/motd").stat()
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)
    (out / "etc/motd").write_text("TWO")
    give_image(image, machine, str(out))
    assert (out / "etc/motd").read_text() == "two"


def test_a_name_of_another_file_is_replaced(store: Store, machine: Machine, tmp_path: Path) -> None:
    """A hard link that somebody has put there: what it is a name of keeps mode, time and content, equal or not."""
    image, out = layered(store), tmp_path / "out"
    (out / "etc").mkdir(parents=True)
    for content in ("two", "secret"):
        precious = tmp_path / content
        precious.write_text(content)
        precious.chmod(0o600)
        os.utime(precious, (1, 1))
        (out / "etc/motd").unlink(missing_ok=True)
        (out / "etc/motd").hardlink_to(precious)
        give_image(image, machine, str(out))
        assert (precious.read_text(), precious.stat().st_mode & 0o777, precious.stat().st_mtime) == (content, 0o600, 1)
        assert (out / "etc/motd").read_text() == "two"
