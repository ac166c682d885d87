# How Sphinx makes the site of docs/; `scripts/docs` calls it.
import re
from pathlib import Path

checkout = Path(__file__).resolve().parents[2]

repository = "https://github.com/limiquantix/limiq/blob/main/"

project = "limiq"
author = copyright = "The limiq authors"
release = version = re.search(r"^## ([\d.]+)", (checkout / "CHANGELOG.md").read_text(), re.M)[1]

extensions = ["myst_parser"]
exclude_patterns = ["site"]
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block"]
# Blocks of commands that are only indented.
highlight_language = "text"

html_theme = "furo"
html_title = f"limiq {release}"
html_static_path = ["static"]
html_css_files = ["limiq.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style, pygments_dark_style = "friendly", "github-dark"


def contents(app, name, text):
    """Makes the site's contents of the links of the first page, and of the reference's first: they are said once."""
    # Pages of the checkout that are none of the site's.
    page = text[0] = re.sub(r"\]\((?:\.\./)+([A-Z]+\.md)\)", rf"]({repository}\1)", text[0])
    if name == "reference/index":
        pages = re.findall(r"^## \[[^]]*\]\(([\w-]+)\.md\)", page, re.M) + ["spec", "command"]
        text[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"
    elif name == "index":
        for section in re.split(r"^## ", page, flags=re.M)[1:]:
            caption, rest = section.split("\n", 1)
            pages = re.findall(r"^- \[[^]]*\]\(([\w/-]+)\.md\)", rest, re.M)
            pages = [each for each in pages if not each.startswith("reference/") or each == "reference/index"]
            text[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(pages) + "\n```\n"


def setup(app):
    app.connect("source-read", contents)
