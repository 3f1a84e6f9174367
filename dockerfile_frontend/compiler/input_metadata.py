"""What a caller tells of a graph that it gives as a named context: keys of a result, as Go's encoding/json writes them.

    {"containerimage.config": "e30="}  ──▶  an image config that says nothing
    {}                                 ──▶  None: files alone
    [1]                                ──▶  DockerfileError, in the words of encoding/json

Option input-metadata:NAME. BuildKit: frontend/dockerui/namedcontext.go.
"""

from __future__ import annotations

import binascii
import json
from typing import Any

from dockerfile_frontend.compiler.image import Image, read_image
from dockerfile_frontend.diagnostics import DockerfileError

_CONFIG_KEY = "containerimage.config"
_CONFIG_TYPE = "v1.Image"
_KINDS = ((bool, "bool"), (int, "number"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))
_BYTE = 255


def read_input_image(text: str) -> Image | None:
    """The image config among the metadata, or None. Raises DockerfileError."""
    try:
        found = _parsed(text.encode("utf-8", "surrogateescape"))
        metadata = {} if found is None else _checked(found, dict, "map[string][]uint8")
        values = {key: _bytes(value) for key, value in metadata.items()}
    except (ValueError, RecursionError) as error:
        raise DockerfileError(f"failed to parse input metadata {text}: {error}", code="context") from None
    config = values.get(_CONFIG_KEY)
    return None if config is None else _image(config)


def _image(config: bytes) -> Image | None:
    try:
        parsed = _parsed(config)
        if parsed is None:
            return None
        _checked(parsed, dict, _CONFIG_TYPE)
        return read_image(config)
    except (ValueError, RecursionError) as error:
        raise DockerfileError(str(error), code="context") from None


def _parsed(data: bytes) -> Any:  # noqa: ANN401  JSON
    """Raises ValueError."""
    try:
        return json.loads(data)
    except ValueError as error:
        from dockerfile_frontend.gostd.jsonfaults import find_fault  # noqa: PLC0415  with luck, never

        raise ValueError(find_fault(data) or error) from None


def _checked(value: Any, kind: type, wanted: str) -> Any:  # noqa: ANN401  JSON
    if not isinstance(value, kind):
        found = next((name for python, name in _KINDS if isinstance(value, python)), "null")
        raise ValueError(f"json: cannot unmarshal {found} into Go value of type {wanted}")  # noqa: TRY004  as any other fault
    return value


def _bytes(value: object) -> bytes:
    """A Go slice of bytes: Base64, or an array of numbers, or null."""
    if value is None:
        return b""
    if isinstance(value, list):
        return bytes([_byte(one) for one in value])
    text: str = _checked(value, str, "[]uint8")
    whole = text.replace("\r", "").replace("\n", "")
    try:
        return binascii.a2b_base64(whole, strict_mode=True) if whole else b""
    except (ValueError, binascii.Error):
        raise ValueError(f"illegal base64 data at input byte {_sound(whole)}") from None


def _byte(value: object) -> int:
    if value is None:
        return 0
    number: int = _checked(value, int, "uint8")
    if isinstance(value, bool) or not 0 <= number <= _BYTE:
        what = "bool" if isinstance(value, bool) else f"number {number}"
        raise ValueError(f"json: cannot unmarshal {what} into Go value of type uint8")
    return number


def _sound(text: str) -> int:
    """How many bytes of Base64 come before the group that is none."""
    place = 0
    while place + 4 < len(text):
        try:
            binascii.a2b_base64(text[place : place + 4], strict_mode=True)
        except (ValueError, binascii.Error):
            break
        place += 4
    return place
