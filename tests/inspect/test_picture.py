"""Where things are drawn, and what the drawings hold."""

from __future__ import annotations

import json
import random
import re
from xml.etree import ElementTree as ET

import pytest

from dockerfile_frontend.inspect.picture.forms import DRAWN, draw
from dockerfile_frontend.inspect.picture.labels import place_labels
from dockerfile_frontend.inspect.picture.layout import MARGIN, layout, rank
from dockerfile_frontend.inspect.picture.model import Edge, Node, Picture

SVG = "{http://www.w3.org/2000/svg}"


def picture_of(names: list[str], *pairs: tuple[int, int]) -> Picture:
    nodes = tuple(Node(f"n{i}", "stage", name) for i, name in enumerate(names))
    edges = tuple(Edge(f"n{a}", f"n{b}", "copy", ("/a → /b",)) for a, b in pairs)
    return Picture("Dockerfile", nodes, edges, f"n{len(names) - 1}" if names else "")


def some_picture(count: int, seed: int) -> Picture:
    """Every node needs up to three before it."""
    draw_from = random.Random(seed)
    pairs = {
        (draw_from.randrange(max(0, b - 40), b), b) for b in range(1, count) for _ in range(draw_from.randint(1, 3))
    }
    return picture_of([f"stage-{'x' * draw_from.randint(0, 30)}" for _ in range(count)], *sorted(pairs))


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (2, 1), (7, 2), (40, 3), (300, 4)])
def test_boxes_stand_apart_inside_the_drawing_and_arrows_lead_on(count: int, seed: int) -> None:
    picture = some_picture(count, seed)
    plan = layout(picture)
    boxes = list(plan.boxes.values())
    for number, box in enumerate(boxes):
        assert box.x >= MARGIN - 1
        assert box.y >= MARGIN - 1
        assert box.x + box.width <= plan.width - MARGIN + 1
        assert box.y + box.height <= plan.height - MARGIN + 1
        for other in boxes[number + 1 :]:
            beside = box.x + box.width <= other.x or other.x + other.width <= box.x
            assert beside or box.y + box.height <= other.y or other.y + other.height <= box.y
    axis = 1 if plan.down else 0
    for _, points in plan.paths:
        steps = [point[axis] for point in points]
        assert steps == sorted(steps)
    assert plan == layout(picture)


def test_what_has_no_inputs_stands_beside_its_users() -> None:
    assert rank(picture_of(["a", "b", "c", "late"], (0, 1), (1, 2), (3, 2))) == {"n0": 0, "n1": 1, "n2": 2, "n3": 1}


@pytest.mark.parametrize("pairs", [[(0, 0)], [(0, 1), (1, 0)], [(0, 1), (1, 2), (2, 0), (2, 3)]])
def test_a_circle_is_drawn_all_the_same(pairs: list[tuple[int, int]]) -> None:
    plan = layout(picture_of(["a", "b", "c", "d"], *pairs))
    assert len(plan.boxes) == 4
    assert len(plan.paths) == len(pairs)


@pytest.mark.parametrize("form", DRAWN)
def test_a_picture_of_nothing(form: str) -> None:
    assert draw(picture_of([]), form)


HOSTILE = "</script><script>x</script>]]>&\"'\x00\x1b\u2028<!--"


def test_hostile_names_stay_text() -> None:
    picture = picture_of([HOSTILE, "b"], (0, 1))
    drawn = ET.fromstring(draw(picture, "svg"))  # noqa: S314  our own
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert any(text and text.startswith("</script><script>x</script>]]>&\"'  ") for text in texts)
    page = draw(picture, "html").decode()
    assert page.count("</script>") == 2
    assert "<script>x" not in page
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    assert data["nodes"][0]["name"] == HOSTILE


def test_the_page_asks_nobody() -> None:
    page = draw(some_picture(5, 1), "html").decode()
    assert "default-src 'none'" in page
    assert not re.search(r"\b(?:src|href)=|url\(|@import|fetch\(", page.replace('marker-end="url(#head)"', ""))
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}


def test_states_are_colours() -> None:
    nodes = (Node("a", "run", "one", state="cached"), Node("b", "run", "two", state="run", why="a file"))
    picture = Picture("Dockerfile", nodes, (Edge("a", "b", "base"),), "b")
    drawn = ET.fromstring(draw(picture, "svg"))  # noqa: S314  our own
    groups = [group.get("class") for group in drawn.iter(f"{SVG}g")]
    assert groups == ["edge base", "node run cached", "node run target run"]
    assert "1 of them run" in draw(picture, "html").decode()


def test_more_bends_than_anybody_follows_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = picture_of(["a", "b", "c", "d"], (0, 1), (1, 2), (2, 3), (0, 3))
    assert len(layout(picture).paths[3][1]) == 4
    monkeypatch.setattr("dockerfile_frontend.inspect.picture.layout.MOST_BENDS", 5)
    assert [len(points) for _, points in layout(picture).paths] == [2, 2, 2, 2]


@pytest.mark.parametrize(("count", "seed"), [(7, 2), (40, 3), (300, 4)])
def test_labels_lie_on_no_box_and_on_no_other_label(count: int, seed: int) -> None:
    plan = layout(some_picture(count, seed))
    labels = [label for label in place_labels(plan, ["copy /out → /srv/app"] * len(plan.paths)) if label]
    spans = [(label.x, label.y - 9, label.x + len(label.text) * 5, label.y) for label in labels]
    spans += [(box.x, box.y, box.x + box.width, box.y + box.height) for box in plan.boxes.values()]
    for number, one in enumerate(spans):
        for other in spans[number + 1 :]:
            assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert labels
    assert {label.text for label in labels} <= {"copy /out → /srv/app", "copy /out → /s…"}


def test_a_label_lies_on_its_arrow() -> None:
    plan = layout(picture_of(["a", "b"], (0, 1)))
    (label,) = place_labels(plan, ["x"])
    (_, ((x0, y0), (x1, _))) = plan.paths[0]
    assert label
    assert x0 < label.x < x1
    assert abs(label.y - y0) < 6
    assert place_labels(plan, [""]) == [None]
