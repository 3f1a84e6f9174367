"""Where base images come from: a registry, an OCI layout, a recorded file."""
