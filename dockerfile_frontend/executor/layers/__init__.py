"""Layers as tars: written from a layer's directory, and read into one.

    packed = pack(store, "9", Form("gzip"))        ──▶ Packed(diff_id="sha256:…", digest="sha256:…", size=81234, compression="gzip")
    layers = import_chain(store, chain)            # layers of an image, known by their digests; nothing is fetched yet
    unpack(store, layers, fetch)                   # …until somebody reads files

    pack        a layer's directory ──▶ a tar ──▶ a blob, hashed on both sides in one pass, remembered
    tarwrite    the bytes of a tar header, as Go writes them
    compress    gzip in blocks on all cores, zstd, none
    decompress  what a stream is packed with, by its first bytes; bounded
    tarread     the entries of a tar from anywhere
    extract     entries ──▶ files, nothing of which leaves the root
    imports     layers of images: known first, unpacked when needed
"""
