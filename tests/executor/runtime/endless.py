"""Runs in a process of its own: starts a container that sleeps for ever, and stops it when told to.

endless.py UID STORE ROOT ENGINE COMMAND   prints what the container prints, then "stopped" when it was interrupted
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor import userns
from dockerfile_frontend.executor.interrupts import run_threads
from dockerfile_frontend.executor.runtime.container import Bind, ContainerMount, ContainerSpec, Process
from dockerfile_frontend.executor.runtime.runtime import Runtime
from dockerfile_frontend.executor.solver.model import Cancelled
from tests.executor.runtime.driver import become


def main(uid: str, store: str, root: str, engine: str, command: str, mount: str) -> None:
    become(int(uid))
    userns.enter()
    cancel = threading.Event()
    mounts: tuple[ContainerMount, ...] = (Bind(mount, "/etc"),) if mount else ()
    spec = ContainerSpec(root, Process(("/bin/sh", "-c", command), env=("PATH=/bin",)), mounts)

    def work() -> None:
        print(runtime.engine.name, flush=True)
        try:
            runtime.run(spec, on_data=lambda _, data: print(data.decode(), end="", flush=True), cancel=cancel)
        except Cancelled:
            print("stopped", flush=True)

    with Runtime(store, wanted=engine) as runtime, suppress(KeyboardInterrupt):
        run_threads(work, 1, cancel.set)
    sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
