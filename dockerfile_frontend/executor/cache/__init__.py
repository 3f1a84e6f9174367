"""The build cache outside the store: in a directory, in a registry, in an image.

    --cache-to type=local,dest=cache,mode=max      --cache-from type=registry,ref=registry.example/app:cache

Files are those of BuildKit's cache exporter, so that its tools, registries and BuildKit itself read them. A key of this program
stands in a record's digest as a hash of its own, which never meets one of BuildKit's.

spec       what --cache-from and --cache-to say
document   the cache's config: layers, records, and what this program adds to each record
portable   results of the store, their keys freed of what only this store knows
writing    into a directory or a registry: blobs, config, manifest
reading    the same the other way, believing nothing
imports    a build's caches: asked when the store does not know a key
broken     a layer that is not what its cache said: what hangs on it is forgotten, and the step runs
inline     records for the config of an image that is its own cache
mounts     cache mounts as archives
"""
