"""Hook of mkdocs: the README is the home page, and links out of docs/ lead to copies in the site.

Every link is written as GitHub follows it, relative to its own file. A file outside of docs/ that
a page links to becomes a part of the site under the path that it has in the repository.
"""

import os
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")
FETCHED = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"')
HOME = "README.md"


def on_files(files, config):
    """Adds the README and what pages link to outside of docs/."""
    root = _root(config)
    found, seen = [HOME, *(f"docs/{file.src_uri}" for file in files.documentation_pages())], set()
    while found:
        path = found.pop()
        if path in seen or not (root / path).is_file():
            continue  # Missing files are broken links, which mkdocs reports.
        seen.add(path)
        if not path.startswith("docs/"):
            files.append(File.generated(config, _place(path), abs_src_path=str(root / path)))
        if path.endswith(".md"):
            found += [_target(path, link[1]) for link in LINK.findall((root / path).read_text())]
    return files


def on_page_markdown(markdown, page, config, files):
    """Links between files of the repository as links between files of the site."""
    place = page.file.src_uri
    path = HOME if place == "index.md" else place
    if (_root(config) / "docs" / place).is_file():
        path = f"docs/{place}"

    def moved(link):
        to = _place(_target(path, link[2]))
        return link[1] + os.path.relpath(to, os.path.dirname(place) or ".") + link[3]

    return LINK.sub(moved, markdown)


def on_post_page(output, page, config):
    """PluginError if a page would load anything from other servers."""
    for fetched in FETCHED.findall(output):
        raise PluginError(f"{page.file.src_uri} fetches from elsewhere: {fetched}")
    return output


def _root(config):
    return Path(config.config_file_path).parent


def _target(path, link):
    """The file in the repository that a link in ``path`` leads to."""
    return os.path.normpath(os.path.join(os.path.dirname(path), link))


def _place(path):
    """The path in the site of a file of the repository."""
    return "index.md" if path == HOME else path.removeprefix("docs/")
