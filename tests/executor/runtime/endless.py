"""Runs in a process of its own: starts a container that sleeps for ever, and stops it when told to.

endless.py UID STORE ROOT ENGINE COMMAND   prints what the container prints, then "stopped" when it was interrupted
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor import userns
from dockerfile_frontend.executor.runtime.container import Bind, ContainerMount, ContainerSpec, Process
from dockerfile_frontend.executor.runtime.runtime import Runtime
from dockerfile_frontend.executor.solver.model import Cancelled
from tests.executor.runtime.driver import become


def main(uid: str, store: str, root: str, engine: str, command: str, mount: str) -> None:
    become(int(uid))
    userns.enter()
    cancel, done = threading.Event(), threading.Event()
    ends: list[str] = []
    mounts: tuple[ContainerMount, ...] = (Bind(mount, "/etc"),) if mount else ()
    spec = ContainerSpec(root, Process(("/bin/sh", "-c", command), env=("PATH=/bin",)), mounts)

    def work() -> None:
        try:
            runtime.run(spec, on_data=lambda _, data: print(data.decode(), end="", flush=True), cancel=cancel)
        except Cancelled:
            ends.append("stopped")
        finally:
            done.set()  # after Ctrl-C, Thread.join of Python 3.11 returns too early

    with Runtime(store, wanted=engine) as runtime:
        thread = threading.Thread(target=work)
        thread.start()
        try:
            print(runtime.engine.name, flush=True)
            done.wait()
        except KeyboardInterrupt:
            cancel.set()
            done.wait()
    print(*ends, flush=True)
    sys.exit(130)


if __name__ == "__main__":
    main(*sys.argv[1:])
