"""The options of RUN --device, which the reference's stable channel takes since 1.28: before, it read them, and refused them later.

vendor.com/gpu=all,required     Device("vendor.com/gpu=all", required=True)
name=                           Device("")
x,y                             DockerfileError: invalid field 'y' must be a key=value pair
"""

from __future__ import annotations

from dockerfile_frontend.diagnostics import DockerfileError, suggested
from dockerfile_frontend.gostd.numbers import NumberError, parse_bool
from dockerfile_frontend.instructions.mounts import split_options
from ir_schema.record import Record

_KEYS = ("name", "required")


class Device(Record):
    """A device by its Container Device Interface name."""

    name: str = ""
    """vendor/class=device."""
    required: bool = False


def parse_device(text: str) -> Device:
    """Raises DockerfileError for options that make no sense."""
    try:
        options = split_options(text)
    except DockerfileError as error:
        raise _refused(error.message.replace("csv mounts", "csv devices")) from None
    name, required = "", False
    for option in options:
        key, equals, value = option.partition("=")
        key = key.lower()
        if key == "name" and equals and name:
            raise _refused(f"device name already set to {name}")
        if key == "name" and equals:
            name = value
        elif key == "required":
            required = _parse_required(key, value if equals else "true")
        elif not name:
            name = option
        elif equals:
            raise _refused(suggested(f"unexpected key '{key}' in '{option}'", key, _KEYS))
        else:
            raise _refused(f"invalid field '{option}' must be a key=value pair")
    return Device(name, required)


def _parse_required(key: str, value: str) -> bool:
    try:
        return parse_bool(value)
    except NumberError:
        raise _refused(f"invalid value for {key}: {value}") from None


def _refused(message: str) -> DockerfileError:
    return DockerfileError(message, code="device-option")
