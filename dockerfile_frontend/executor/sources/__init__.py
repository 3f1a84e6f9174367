"""Where files come from: one file a scheme, and `table` with a row for each.

    SourceOp("git://…#main") ──resolve──▶ what it is now (a commit): the key      ──fetch──▶ Tree

`resolve` may ask the network but brings no files; a build that is all cached calls nothing else.
"""
