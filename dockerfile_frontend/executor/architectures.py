"""What this machine is, in the words of image platforms."""

from __future__ import annotations

NATIVE = {
    "aarch64": "arm64", "armv7l": "arm", "i686": "386", "loongarch64": "loong64", "ppc64le": "ppc64le", "riscv64": "riscv64",
    "s390x": "s390x", "x86_64": "amd64",
}  # fmt: skip
"""GOARCH by kernel machine name."""
