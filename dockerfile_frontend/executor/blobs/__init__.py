"""The content store: bytes by their digest, as an OCI layout keeps them.

    blobs = Blobs("/store", db)
    with blobs.writer("sha256:9f86…", size=4) as out:      # or blobs.writer() when the digest is not known before
        out.write(b"test")
    out.digest ──▶ "sha256:9f86…"          blobs.path(out.digest) ──▶ "/store/blobs/sha256/9f86…", or None

    content   Blobs and Writer: temp file, verified while it streams, resumed where it broke off, renamed when whole
    digests   the grammar of digests; nothing that breaks it becomes part of a path
"""
