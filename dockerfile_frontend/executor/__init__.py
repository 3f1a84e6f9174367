"""The reference executor: solves a Definition on this machine, without a daemon and without knowing Dockerfiles.

    Definition + Session (contexts, secrets, …) ──solver──▶ Tree of layers ──exporters──▶ OCI archive, folder, registry

It imports `ir_schema`, the registry client and the pattern matcher, and nothing else of this package.
"""
