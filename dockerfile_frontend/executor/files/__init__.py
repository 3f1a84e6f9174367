"""Files under somebody else's root: copying, making, removing, hashing, without a mount and without leaving the root.

    actions    one action of a file op on a `Target`, as BuildKit's file backend does it: copy, mkfile, mkdir, rm, symlink
    target     Target: a new layer over a read-only tree; what it writes is the layer's own directory
    source     what a copy or a hash reads: a tree, or a client's directory through its filters
    copy       COPY: destinations, patterns, owners, modes, hard links
    unpack     ADD of an archive
    owners     users and groups by name, looked up in the tree's own files
    modes      symbolic modes
    wildcards  Go's filepath.Match, and the paths that match
    digest     the content of what an op reads, as one digest, for cache keys
    hashes     digests of a client's files, remembered by size, times and inode
    clone      exact copies inside the store
    walk data  visiting everything below a directory; moving bytes
"""
