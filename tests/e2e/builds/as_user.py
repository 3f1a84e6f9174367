"""`dfc` as another user, many times: a process that has imported everything forks for each build. Usage: python as_user.py UID.

stdin   a line of JSON a build: {"argv": […], "cwd": "…", "env": {…}, "log": "…"}      stdout   a line each: the exit code
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.cli import main
from tests.cli.as_user import import_everything
from tests.executor.runtime.driver import become


def serve(uid: int) -> None:
    import_everything()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                build(uid, json.loads(line))
            except SystemExit as end:
                os._exit(end.code if isinstance(end.code, int) else 1)
            except BaseException:  # noqa: BLE001  a forked child must not go on with its parent's work
                traceback.print_exc()
            os._exit(99)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def build(uid: int, job: dict[str, Any]) -> None:
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for wanted, descriptor in ((0, nothing), (1, log), (2, log)):
        os.dup2(descriptor, wanted)
    become(uid)
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    sys.argv[1:] = job["argv"]
    main()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
