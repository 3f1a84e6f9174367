from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dockerfile_frontend.semantics.layered import EMPTY, Layered

NAMES = st.sampled_from([f"N{number}" for number in range(60)])
STEPS = st.lists(st.tuples(NAMES, st.text(max_size=3)), max_size=150)


@given(STEPS)
def test_a_name_set_anew_goes_last(steps: list[tuple[str, str]]) -> None:
    plain: dict[str, str] = {}
    layered = EMPTY
    for name, value in steps:
        plain.pop(name, None)
        plain[name] = value
        layered = layered.with_item(name, value)
    assert list(layered.items()) == list(plain.items())
    assert layered == plain
    assert len(layered) == len(plain)
    assert layered.pairs() == tuple(f"{name}={value}" for name, value in plain.items())


@given(STEPS)
def test_a_name_keeps_its_place_where_that_is_asked(steps: list[tuple[str, str]]) -> None:
    plain: dict[str, str] = {}
    layered = EMPTY
    for name, value in steps:
        plain[name] = value
        layered = layered.with_item(name, value, keep=True)
    assert list(layered.items()) == list(plain.items())


@given(STEPS, STEPS, NAMES)
def test_nothing_changes_a_map_that_is_there(
    first: list[tuple[str, str]], more: list[tuple[str, str]], gone: str
) -> None:
    before = Layered.of(first)
    kept = dict(before)
    after = before.with_items(more).without(gone)
    assert dict(before) == kept
    assert dict(after) == {name: value for name, value in {**kept, **dict(more)}.items() if name != gone}
    assert gone not in after
    assert after.get(gone) is None
    assert after.get(gone, "default") == "default"


def test_an_empty_value_is_a_value() -> None:
    assert EMPTY.with_item("A", "").get("A", "default") == ""
