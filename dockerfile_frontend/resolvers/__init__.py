"""Where base images come from: a registry, an OCI layout, a recorded file.

    resolver = make_resolver(ResolverOptions(recorded=Path("images.json")), os.environ)   # make.py: all of it together
    resolver.resolve_image("docker.io/library/alpine:latest", Platform("linux", "arm64"), "default")

Each is a `semantics.resolver.Resolver`; what they share with the executor is in `registry/`.
"""
