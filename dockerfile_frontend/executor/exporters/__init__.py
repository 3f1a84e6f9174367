"""From a solved tree to what the user asked for.

spec, names, annotations   `-o` as text ──▶ Output
images      layers + config ──▶ packed layers, config, manifest, index; image_config and manifest make the documents
layout      an image ──▶ OCI or Docker archive, or folder; destination opens files so that no half of one is seen
outputs     all of a build, by kind
"""
