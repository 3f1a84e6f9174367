"""Containers: one process over a root file system, isolated by runc or crun.

    ContainerSpec ──config──▶ config.json ──Runtime.run──▶ ExitStatus, its output in pieces to a callback

    container   what to run: ContainerSpec, mounts, limits
    find        which runtime works here: the first run proves it, or a tiny container
    config      ContainerSpec ──▶ the OCI runtime's config.json, as BuildKit and Docker fill it
    runtime     Runtime: mount points, files and secrets around one run
    process     start it, stream its output, end it
    workspace   the tmpfs all of that lives in, and what a killed process left behind

Isolation levels, networks and what each cannot stop: `userns`, `network` and docs/security.md.
"""
