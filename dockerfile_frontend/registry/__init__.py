"""Where images are kept: registries, OCI layouts and image archives, read and written with every byte checked.

    client = Client(settings)                               # client.py: one object a process, safe in threads
    name = ImageName.parse("docker.io/library/alpine:3.20") # names.py
    found = client.get_manifest(name)                       # -> Manifest(digest, media type, bytes)

Knows nobody else in this project: resolvers and executor both stand on it. Nothing here reads the environment;
proxies, credentials and host settings are handed in.
"""
