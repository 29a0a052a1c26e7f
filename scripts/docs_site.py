"""Hooks of mkdocs.yml: navigation, pages made from code, equations as MathML, and nothing loaded from elsewhere."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click
import tomli
from latex2mathml.converter import convert
from mkdocs.exceptions import Abort
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
EXTERNAL = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//|"
    r"<link\b(?![^>]*rel=[\"']?canonical)[^>]*href=[\"']?(?:https?:)?//|@import|url\([\"']?(?:https?:)?//"
)


def on_config(config):
    """Take the navigation from docs/README.md, and render ``math`` blocks."""
    nav, section = [{"Home": "index.md"}], []
    for line in (ROOT / "docs" / "README.md").read_text("utf-8").splitlines():
        if title := re.fullmatch(r"\*\*(.+)\*\*", line):
            section = []
            nav.append({title[1]: section})
        elif (link := re.match(r"\* \[.+\]\((.+?)\)", line)) and link[1] != "../README.md":
            section.append(_in_site(link[1]))
            section += ["api.md", "compatibility.md"] if link[1] == "commands.md" else []
    config.nav = nav
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [{"name": "math", "class": "math", "format": _math}]}
    return config


def on_files(files, config):
    """Add README.md as the first page, CONTRIBUTING.md, and the pages that are made from code."""
    pages = {
        "index.md": (ROOT / "README.md").read_text("utf-8"),
        "contributing.md": (ROOT / "CONTRIBUTING.md").read_text("utf-8"),
        "api.md": _api(),
        "compatibility.md": _compatibility(),
        **{f"notebooks/{path.stem}.md": _notebook(path) for path in (ROOT / "docs").glob("notebooks/*.ipynb")},
    }
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown, page, **_):
    """Point links into the site, and add its options to each command of commands.md."""
    if page.file.src_uri in ("index.md", "contributing.md"):  # they stand beside docs/
        markdown = re.sub(r"(?<=\]\()docs/|(?<=src=\")docs/", "", markdown)
    markdown = re.sub(r"(?<=\]\()[^)\s#]+", lambda link: _in_site(link[0]), markdown)
    if page.file.src_uri == "commands.md":
        markdown = re.sub(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", _with_options, markdown, flags=re.MULTILINE | re.DOTALL)
    return markdown


def on_post_build(config):
    """Refuse a site that loads anything from elsewhere."""
    for path in Path(config.site_dir).rglob("*.html"):
        if found := EXTERNAL.search(path.read_text("utf-8")):
            raise Abort(f"{path.name} loads something from elsewhere: {found[0][:200]}")


def _in_site(link):
    """The place in the site of what a file of the repository links to."""
    if link.endswith(("README.md", "CONTRIBUTING.md")) and "/" not in link.removeprefix("../"):
        return {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md"}[link.removeprefix("../")]
    return re.sub(r"\.ipynb$", ".md", link)


def _notebook(path):
    """A notebook as a page: its text, code and outputs."""
    parts = [f"[Download this notebook]({path.name}){{ download }}"]
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(re.sub(r"\$(.+?)\$", lambda formula: convert(formula[1]), source))
            continue
        parts += [f"```python\n{source}\n```", *map(_output, cell["outputs"])]
    return "\n\n".join([parts[1], parts[0], *parts[2:]])


def _output(output):
    if output["output_type"] == "stream":
        return "```text\n" + "".join(output["text"]).rstrip() + "\n```"
    data = {kind: "".join(text) for kind, text in output["data"].items()}
    if "image/png" in data:
        return f'<img alt="What the cell above draws" src="data:image/png;base64,{data["image/png"].strip()}">'
    return data["text/html"] if "text/html" in data else f"```text\n{data['text/plain']}\n```"


def _math(source, *_args, **_options):
    return convert(source, display="block")


def _with_options(section):
    from snnlp_lava.cli.main import main

    name, text = section.groups()
    context = click.Context(main, info_name="snnlp-lava")
    command = main.get_command(context, name)
    if command is None:
        raise Abort(f"commands.md: there is no command {name}")
    own = click.Context(command, info_name=name, parent=context)
    records = [record for each in command.get_params(own) if (record := each.get_help_record(own))]
    rows = "\n".join(f"    | `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in records)
    return f'## {name}\n{text.rstrip()}\n\n??? note "Options of {name}"\n    | option | |\n    |---|---|\n{rows}\n\n'


def _cell(text):
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


def _api():
    """A page of all public names with their docstrings."""
    import snnlp_lava

    names = [f"::: snnlp_lava.{module}.{name}\n" for module, names in snnlp_lava._PUBLIC.items() for name in names]
    title = "# Python API\n\n[From Python](python.md) shows how these are used; no other name is promised.\n\n"
    return title + "\n".join(names)


def _compatibility():
    sys.path.insert(0, str(ROOT / "scripts"))
    from compatibility import compatibility_page

    project = tomli.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return compatibility_page(project, (ROOT / "requirements/all.txt").read_text("utf-8"))
