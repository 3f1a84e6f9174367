"""A BuildKit daemon as a backend, spoken to through its own client.

    BuildJob ──command──▶ buildctl build … < graph ──▶ progress records ──status──▶ Events
                                                  └──▶ what it says at the end ──faults──▶ errors of ours

| file | holds |
| --- | --- |
| `backend.py` | one build, from its job to what came of it |
| `clients.py` | buildctl or docker buildx, whichever is there or named |
| `command.py`, `buildx.py` | a job as the arguments of either |
| `places.py` | files that outputs go to: the old one or the new one, as with the executor |
| `process.py` | the client's process: its lines, its end, signals |
| `status.py` | its progress records as events |
| `faults.py` | what it says when something is wrong, and what to do about it |
| `specs.py` | outputs and caches that the daemon understands, which are more than the executor's |
"""
