"""The colours in VS Code's notebook, where JupyterLab's variables mislead.

VS Code itself cannot be driven here. What its page brings is: its own variables on the
root, the theme's kind on the body, JupyterLab's variables of a light page as soon as a
widget was shown, and a white ground under each widget.
"""

from __future__ import annotations

import pytest

from durable_notebook.views import assets, html
from tests.browser.lab import LabPage

pytestmark = pytest.mark.browser

THEMES = {
    "vscode-dark": ("#cccccc", "#1f1f1f", "#9d9d9d", "#0078d4"),
    "vscode-light": ("#3b3b3b", "#ffffff", "#6a6a6a", "#005fb8"),
    "vscode-high-contrast": ("#ffffff", "#000000", "#ffffffb3", "#000000"),
    "vscode-high-contrast-light": ("#292929", "#ffffff", "#292929b3", "#0f4a85"),
}
STATES = ("completed", "running", "waiting", "interrupted", "failed", "cancelled")
PAGE = """
<style>
  :root {{
    --vscode-editor-foreground: {0}; --vscode-editor-background: {1};
    --vscode-descriptionForeground: {2}; --vscode-errorForeground: #f85149;
    --vscode-button-background: {3}; --vscode-button-foreground: #ffffff;
    --vscode-focusBorder: #0078d4; background: var(--vscode-editor-background);
    --jp-ui-font-color1: rgba(0, 0, 0, .8); --jp-ui-font-color2: rgba(0, 0, 0, .5);
    --jp-layout-color1: white; --jp-layout-color2: #eee; --jp-brand-color1: #2196f3;
  }}
  .cell-output-ipywidget-background {{ background: white !important; }}
  table, tr, th, td {{ border: none !important; }}
</style>
<style>{theme}</style>
<div>{twin}</div>
<div class="cell-output-ipywidget-background"><div class="dn-live">
  <p>plain</p><p class="dn-quiet">quiet</p>{badges}<input value="typed">
  <button>Second</button> <button class="dn-primary">First</button>
</div></div>
"""
# What each text is read against: its own ground, or that of what it lies in.
CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  const over = (...colours) => {
    colours.forEach((c) => { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); });
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((v) => v / 255)
    .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const found = {};
  for (const e of document.querySelectorAll(".dn *, .dn-live *")) {
    const says = e.value || (e.childElementCount ? "" : e.innerText.trim());
    if (!says || !e.offsetParent) continue;
    const grounds = [];
    for (let at = e; at; at = at.parentElement)
      grounds.unshift(getComputedStyle(at).backgroundColor);
    const [a, b] = [over(...grounds), over(...grounds, getComputedStyle(e).color)]
      .map(light).sort((x, y) => y - x);
    found[`${e.closest(".dn") ? "twin" : "live"}: ${says}`] = (a + .05) / (b + .05);
  }
  return found;
}"""


@pytest.mark.parametrize("kind", THEMES)
def test_all_is_readable_in_vscode(browser: LabPage, kind: str) -> None:
    badges = "".join(
        f'<span class="dn-badge dn-{s}" data-state="{s}">{s}</span>' for s in STATES
    )
    table = "<table><tr><th>step</th></tr><tr><td>prepare</td></tr></table>"
    quiet = '<p class="dn-quiet">quiet</p>'
    page = PAGE.format(
        *THEMES[kind],
        theme=assets.joined("theme.css"),
        twin=html.page(f"<p>plain</p>{quiet}{badges}{table}"),
        badges=badges,
    )
    browser.page.goto("about:blank")
    browser.page.set_content(
        f'<!DOCTYPE html><body data-vscode-theme-kind="{kind}">{page}</body>'
    )

    contrasts = browser.page.evaluate(CONTRASTS)

    assert len(contrasts) == 2 * (2 + len(STATES)) + 2 + 3
    assert {says: c for says, c in contrasts.items() if c < 4.5} == {}
    cell = browser.page.locator(".dn td").first
    line = cell.evaluate("e => getComputedStyle(e).borderBottomStyle")
    assert line == "solid"
    browser.shoot(f"colours_{kind}")
