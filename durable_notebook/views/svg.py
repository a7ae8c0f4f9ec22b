"""SVG without styles and scripts: it is seen where a code host has taken those away.

Made of elements, so that a value is never markup. Text takes the colour of the page.
"""

from __future__ import annotations

from html import escape
from urllib.parse import quote
from xml.etree import ElementTree

from durable_notebook.views.table import clip, harmless

# Legible on white and on black.
COLOURS = {
    "running": "#2f81f7",
    "waiting": "#a371f7",
    "completed": "#2da44e",
    "re-executed": "#1b9e9e",
    "replayed": "#7d8590",
    "interrupted": "#bf8700",
    "retried": "#db6d28",
    "failed": "#e5484d",
    "cancelled": "#7d8590",
}

_FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
# The mean width of a character in such a font, as a share of its size.
_EM = 0.53

Element = ElementTree.Element


def drawing(width: float, height: float, label: str) -> Element:
    """An empty picture of this size. `label` is what a screen reader says of it."""
    return ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:.0f} {height:.0f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": "img",
            "aria-label": clean(label, 300),
            "font-family": _FONT,
            "font-size": "12",
            "fill": "currentColor",
        },
    )


def add(
    parent: Element, tag: str, content: str = "", /, **attributes: object
) -> Element:
    """Put an element into another; `x_y` is its attribute `x-y`."""
    found = ElementTree.SubElement(
        parent,
        tag,
        {
            name.replace("_", "-"): _number(value)
            for name, value in attributes.items()
            if value is not None
        },
    )
    if content:
        found.text = content
    return found


def _number(value: object) -> str:
    return (
        f"{value:.2f}".rstrip("0").rstrip(".")
        if isinstance(value, float)
        else str(value)
    )


def text(
    parent: Element,
    content: str,
    x: float,
    y: float,
    room: float,
    /,
    **attributes: object,
) -> Element:
    """Put a text in, cut to the room that there is for it."""
    size = float(str(attributes.get("font_size", 12)))
    wide = 1.12 if "font_weight" in attributes else 1.0
    shown = clip(clean(content), max(int(room / (size * _EM * wide)), 1))
    return add(parent, "text", shown, x=x, y=y, **attributes)


def clean(content: str, length: int = 2_000) -> str:
    """A text that XML can hold, in which nothing turns the line round."""
    return harmless(content[:length])


def written(picture: Element) -> str:
    """The picture as markup that stands in HTML."""
    return ElementTree.tostring(picture, encoding="unicode", short_empty_elements=False)


def shown(picture: str, label: str) -> str:
    """A picture as it stays in a notebook, for hosts of two kinds.

    JupyterLab takes pictures out of a notebook that it does not trust, and leaves what
    was written in them as one heap of words. So the picture is hidden until the style
    sheet shows it. Where there is none the image is seen, on white for any theme.
    """
    source = quote(picture, safe=" '/:=,;()!*")
    style = "background:#fff;padding:8px;border-radius:4px"
    image = (
        f'<img class="dn-flat" alt="{escape(clean(label, 300))}" style="{style}" '
        f'src="data:image/svg+xml,{source}">'
    )
    return f'<div class="dn-drawn" hidden="hidden">{picture}</div>{image}'
