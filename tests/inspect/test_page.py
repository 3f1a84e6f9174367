"""The page in a real browser: what a click, a key and the search do."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
from pathlib import Path

import pytest

from dockerfile_frontend.compiler.options import CompileOptions
from dockerfile_frontend.inspect.picture.forms import draw
from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture
from dockerfile_frontend.inspect.stage_graph import read_stages
from tests.components import require

DOCKERFILE = b"""\
FROM golang:1.22 AS build
COPY . .
RUN make </script>
FROM scratch AS app
COPY --from=build /out /app
"""

ACTIONS = """
const told = {}, box = (name) => boxes[data.nodes.findIndex((node) => node.name === name)];
const press = (key, where = document.body) => where.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const heading = () => (aside.hidden ? "" : aside.querySelector("h2").textContent);
told.before = heading();
box("build").dispatchEvent(new MouseEvent("click", { bubbles: true }));
told.clicked = [heading(), aside.querySelector("pre").textContent, aside.textContent.includes("2 steps of its own")];
told.near = boxes.filter((each) => each.classList.contains("near")).length;
press("Escape");
told.escaped = heading();
press("Enter", box("app"));
told.entered = heading();
const before = svg.getAttribute("viewBox");
press("+");
told.zoomed = before !== svg.getAttribute("viewBox");
press("0");
search.value = "golang";
search.dispatchEvent(new Event("input"));
press("Enter", search);
told.searched = [document.getElementById("hits").textContent, heading()];
const colour = () => getComputedStyle(document.body).backgroundColor, first = colour();
document.getElementById("theme").click();
told.theme = first !== colour();
document.documentElement.dataset.told = JSON.stringify(told);
"""


ALONE = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
"""A browser that asks nobody and waits for nobody."""


def browse(page: str, folder: Path) -> str:
    """The document as it is when its scripts are done."""
    chromium = require("chromium")
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [str(chromium), *ALONE, profile, "--dump-dom", file.as_uri()]
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, check=True, timeout=120, env=environment)
    return done.stdout.decode()


@pytest.mark.e2e
def test_click_keys_search_and_theme(tmp_path: Path) -> None:
    page = draw(read_stages(DOCKERFILE, CompileOptions(), "Dockerfile"), "html").decode()
    allowed = base64.b64encode(hashlib.sha256(ACTIONS.encode()).digest()).decode()
    page = page.replace("script-src ", f"script-src 'sha256-{allowed}' ", 1)
    page = page.replace("</body>", f"<script>{ACTIONS}</script></body>")
    told = re.search(r'data-told="([^"]*)"', browse(page, tmp_path))
    assert told, "the scripts did not run to their end"
    assert json.loads(html.unescape(told[1])) == {
        "before": "",
        "clicked": ["build", "1FROM golang:1.22 AS build\n2COPY . .\n3RUN make </script>\n", True],
        "near": 4,
        "escaped": "",
        "entered": "app",
        "zoomed": True,
        "searched": ["1 found", "golang:1.22"],
        "theme": True,
    }


@pytest.mark.e2e
def test_another_script_is_not_run(tmp_path: Path) -> None:
    page = draw(read_stages(DOCKERFILE, CompileOptions(), "Dockerfile"), "html").decode()
    page = page.replace("</body>", "<script>document.documentElement.dataset.told = 'ran'</script></body>")
    assert "data-told" not in browse(page, tmp_path)


COSTS = """
const told = {}, box = (id) => boxes[number.get(id)], lines = () => [...aside.querySelectorAll("p")].map((each) => each.textContent);
told.states = boxes.map((each) => ["cached", "run", "perhaps"].find((state) => each.classList.contains(state)));
box("b").dispatchEvent(new MouseEvent("click", { bubbles: true }));
told.cost = lines().filter((each) => / s|MB/.test(each));
told.why = lines().some((each) => each === "runs: a is another");
told.legend = [...document.querySelectorAll(".legend i")].map((each) => each.className);
document.documentElement.dataset.told = JSON.stringify(told);
"""


@pytest.mark.e2e
def test_what_steps_cost_is_added_up(tmp_path: Path) -> None:
    nodes = (
        Node("a", "file", "COPY a /", state="cached", seconds=1.5, bytes=1 << 20, cost="1.5 s · 1 MB"),
        Node("b", "run", "RUN make", state="run", why="a is another", seconds=70.2, bytes=3 << 20, cost="1 min 10 s · 3 MB"),
        Node("c", "file", "COPY b /", state="perhaps"),
    )
    edges = (Edge("a", "b", "base"), Edge("b", "c", "copy"))
    page = draw(Picture("Dockerfile", nodes, edges, "c"), "html").decode()
    allowed = base64.b64encode(hashlib.sha256(COSTS.encode()).digest()).decode()
    page = page.replace("script-src ", f"script-src 'sha256-{allowed}' ", 1).replace("</body>", f"<script>{COSTS}</script></body>")
    told = re.search(r'data-told="([^"]*)"', browse(page, tmp_path))
    assert told, "the scripts did not run to their end"
    assert json.loads(html.unescape(told[1])) == {
        "states": ["cached", "run", "perhaps"],
        "cost": [
            "1 min 10 s and 3 MB when it last ran",
            "1 min 12 s and 4 MB with all it needs",
            "1 step runs for it: 1 min 10 s and 3 MB last time",
            "1 step before it",
        ],
        "why": True,
        "legend": ["cached", "run", "perhaps"],
    }
