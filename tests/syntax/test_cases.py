"""Trees of small Dockerfiles: what the parser splits off, and on which lines."""

from __future__ import annotations

import pytest

from dockerfile_frontend.syntax.parser import parse_tree
from dockerfile_frontend.syntax.tree import Node
from tests.casefiles import Case, Expect, case_files


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_tree(case: Case, expect: Expect) -> None:
    tree = parse_tree(case.sections["Dockerfile"].encode())
    head = [f"directive {d.name} {d.value!r}" for d in tree.directives]
    expect(case, tree="".join(f"{line}\n" for line in [*head, *(row for node in tree.nodes for row in show(node))]))


def show(node: Node) -> list[str]:
    """A node on a line: lines, keyword, flags, arguments; then what hangs below."""
    place = f"{node.start}" if node.start == node.end else f"{node.start}-{node.end}"
    form = " json" if node.json else ""
    flags = "".join(f" {flag.text!r}" for flag in node.flags)
    rows = [f"{place}: {node.keyword}{flags} |{''.join(f' {arg!r}' for arg in node.args)}{form}"]
    rows += [f"    # {comment}" for comment in node.line.comments]
    for heredoc in node.heredocs:
        kind = "expand" * heredoc.expand or "raw"
        rows.append(f"    <<{'-' * heredoc.chomp}{heredoc.name} {kind} {heredoc.content!r}")
    return rows
