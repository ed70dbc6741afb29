"""How is the documentation built? `just docs`; a warning is an error."""

project = "omnicore"
author = "the omnicore authors"
copyright = "the omnicore authors"  # noqa: A001 - Sphinx's own name

extensions = ["myst_parser", "sphinxcontrib.mermaid"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# A ```mermaid fence is drawn here and on a code-hosting site alike.
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_title = "omnicore"
