"""HTML as a tree of elements, written as one file that needs nothing besides itself.

Text goes into the tree as text and is escaped where the tree is written, so what a server or a scenario calls things
cannot become markup.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

STYLE = Path(__file__).with_name("style.css")


def element(tag: str, /, *children: str | Element, **attributes: str) -> Element:
    """One element; an attribute's name is written `class_` or `aria_label` for `class` and `aria-label`."""
    made = Element(tag, {name.strip("_").replace("_", "-"): plain(value) for name, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + plain(child)
        else:
            made.text = (made.text or "") + plain(child)
    return made


def plain(text: str) -> str:
    """The text, with a replacement character for what cannot be seen or turns the direction of writing."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def section(title: str, *children: Element) -> Element:
    """A part of the page under its heading."""
    return element("section", element("h2", title), *children)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str | Element]]) -> Element:
    """A table whose first column names its rows; it scrolls sideways where the screen is narrow."""
    body = element("tbody")
    for name, *cells in rows:
        body.append(element("tr", element("th", name, scope="row"), *(element("td", cell) for cell in cells)))
    header = element("thead", element("tr", *(element("th", each, scope="col") for each in head)))
    return element(
        "div",
        element("table", element("caption", caption), header, body),
        class_="wide",
        tabindex="0",
        role="group",
        aria_label=caption,
    )


def figures(pairs: Iterable[tuple[str, str, str]]) -> Element:
    """Large figures side by side: of each what it is, the figure, and a word on it."""
    shown = element("dl", class_="figures")
    for name, figure, word in pairs:
        value = element("dd", element("strong", figure), *([element("span", word)] if word else []))
        shown.append(element("div", element("dt", name), value))
    return shown


def bullets(lines: Iterable[str | Element]) -> Element:
    """A list."""
    return element("ul", *(element("li", line) for line in lines))


def save(path: Path, title: str, *children: Element) -> None:
    """Write the page; its directory is made where it is missing."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
    )
    style = element("style")
    style.text = STYLE.read_text(encoding="utf-8")
    head.append(style)
    page = element("html", head, element("body", element("main", *children)), lang="en")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n", encoding="utf-8")
