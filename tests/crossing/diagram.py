"""The machine's phases as a diagram, made from the transitions that the search really took.

Run: python -m tests.crossing.diagram > docs/crossing.md
"""

from __future__ import annotations

from tests.crossing.search import search

HEADING = """# The phases of a lane

Generated from the search of all reachable states (`python -m tests.crossing.diagram`); a test fails when this page is stale.
Events that leave the phase as it is are not drawn.

```mermaid
stateDiagram-v2
    [*] --> OUT_OF_SERVICE
"""


def diagram(edges: set[tuple[str, str, str]]) -> str:
    """Markdown with one arrow per pair of phases, labelled with the events."""
    labels: dict[tuple[str, str], list[str]] = {}
    for source, event, target in sorted(edges):
        labels.setdefault((source, target), []).append(event)
    arrows = [f"    {source} --> {target} : {', '.join(events)}" for (source, target), events in sorted(labels.items())]
    return HEADING + "\n".join(arrows) + "\n```\n"


if __name__ == "__main__":
    print(diagram(search(stop_at_first=False).edges), end="")
