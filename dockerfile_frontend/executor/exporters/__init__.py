"""From a solved tree to what the user asked for.

image_config  the frontend's config + layers  ──▶ the config with rootfs, history and times
manifest      config + blobs                  ──▶ manifest, and an index where there are several
archive, local, push …                        one file a destination
"""
