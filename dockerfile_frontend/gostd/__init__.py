r"""What Go's standard library does where it shows: text, numbers, durations, paths, URLs, patterns, JSON.

    quote('say "hi"')         →  "say \"hi\"" (as %q writes it)
    parse_duration("1h30m")   →  5400000000000 (nanoseconds)
    join("/app", "../etc")    →  "/etc"

The reference is a Go program, so in these small matters its answers and messages are Go's. Nothing here
knows of Dockerfiles.
"""
