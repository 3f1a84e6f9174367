"""The options of RUN --device, which only the labs channel takes: the stable one reads them, and refuses them later.

vendor.com/gpu=all,required     a device
name=                           a device without a name
x,y                             DockerfileError: invalid field 'y' must be a key=value pair
"""

from __future__ import annotations

from dockerfile_frontend.diagnostics import DockerfileError, suggested
from dockerfile_frontend.gostd.numbers import NumberError, parse_bool
from dockerfile_frontend.instructions.mounts import split_options

_KEYS = ("name", "required")


def check_device(text: str) -> None:
    """Raises DockerfileError for options that make no sense."""
    try:
        options = split_options(text)
    except DockerfileError as error:
        raise _refused(error.message.replace("csv mounts", "csv devices")) from None
    name = ""
    for option in options:
        key, equals, value = option.partition("=")
        key = key.lower()
        if key == "name" and equals and name:
            raise _refused(f"device name already set to {name}")
        if key == "name" and equals:
            name = value
        elif key == "required":
            _check_required(key, value if equals else "true")
        elif not name:
            name = option
        elif equals:
            raise _refused(suggested(f"unexpected key '{key}' in '{option}'", key, _KEYS))
        else:
            raise _refused(f"invalid field '{option}' must be a key=value pair")


def _check_required(key: str, value: str) -> None:
    try:
        parse_bool(value)
    except NumberError:
        raise _refused(f"invalid value for {key}: {value}") from None


def _refused(message: str) -> DockerfileError:
    return DockerfileError(message, code="device-option")
