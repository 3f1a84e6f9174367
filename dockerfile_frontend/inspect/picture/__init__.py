"""What is drawn: nodes and edges, and the forms they are drawn in (tree, JSON, Mermaid, DOT, SVG, page)."""
