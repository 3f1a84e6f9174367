"""Names that images are given: whole references, as registries and image tools know them.

    normalized_names("app,r.example/b:1") ──▶ ("docker.io/library/app:latest", "r.example/b:1")
"""

from __future__ import annotations

from dockerfile_frontend.executor.solver.model import ExecutorError

_HUB, _OFFICIAL = "docker.io", "library/"


def normalized_names(text: str, *, by_digest: bool = False) -> tuple[str, ...]:
    """Names divided by commas, each made whole; without a tag where they are pushed `by_digest`. Raises ExecutorError."""
    return tuple(dict.fromkeys(normalized_name(name, by_digest=by_digest) for name in text.split(",")))


def normalized_name(text: str, *, by_digest: bool = False) -> str:
    """One name made whole."""
    if text.isascii() and text.isalnum() and text.islower():
        return f"{_HUB}/{_OFFICIAL}{text}" + ("" if by_digest else ":latest")
    from dockerfile_frontend.registry.errors import RegistryError
    from dockerfile_frontend.registry.names import ImageName

    domain, slash, path = text.partition("/")
    if not slash or not (domain == "localhost" or "." in domain or ":" in domain or domain.lower() != domain):
        domain, path = _HUB, text
    if domain == "index.docker.io":
        domain = _HUB
    if domain == _HUB and "/" not in path:
        path = _OFFICIAL + path
    try:
        name = ImageName.parse(f"{domain}/{path}")
    except RegistryError:
        lower = path.partition(":")[0]
        why = "repository name must be lowercase" if lower != lower.lower() else "invalid reference format"
        raise ExecutorError(f"failed to parse {text}: {why}") from None
    if name.digest:
        raise ExecutorError(f"failed to parse {text}: an image that is exported cannot be named by a digest")
    if by_digest:
        return f"{name.registry}/{name.path}"
    return f"{name.registry}/{name.path}:{name.tag or 'latest'}"


def familiar(name: str) -> str:
    """As people write it: without docker.io and library/."""
    short = name.removeprefix(f"{_HUB}/{_OFFICIAL}")
    return short if short != name else name.removeprefix(f"{_HUB}/")
