"""Snapshots: layers on disk, laid over each other to be read, and new ones written over them.

    with snapshots.view(("1", "4")) as view:                 # read-only; view.fd, or view.path for a container
        os.open("etc/passwd", os.O_RDONLY, dir_fd=view.fd)
    with snapshots.draft(("1", "4"), "RUN make") as draft:   # draft.path: the merged file system, writable
        …                                                    # draft.upper: the new layer's own directory, for `files`, which needs no mount
    draft.layer ──▶ "9", once the block has ended well; nothing is left of it otherwise

A layer is an immutable directory that holds a difference, as overlayfs writes it, under a short number. It has no parent: any
stack of layers is a tree. How layers are laid over each other is chosen by a probe: overlayfs, or copies where it is missing.

    snapshotter  Snapshotter: rows and directories of layers, and which of the two ways works here
    trees        View and Draft: layers as file systems
    overlay      overlayfs by system calls, up to 500 layers, no mount points
    copying      the other way: stacked by hard links to read, copied to write, compared afterwards
    changes      an upper directory becomes a layer: deletions by name, nothing that did not change
    whiteouts    what marks a deletion
"""
