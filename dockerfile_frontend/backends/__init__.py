"""Who runs a graph: the executor here, or a BuildKit daemon.

    Local().build(job, display)                     in this process, into the store
    BuildKit("tcp://…").build(job, display)         there, through buildctl; outputs and progress are the same

Both are a `Backend`: graphs, sources, secrets and outputs in one `BuildJob`, what it shows as `Events`, what came of it as `Built`.
"""
