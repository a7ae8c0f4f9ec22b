"""The scripts of live views, which a page takes as one module each."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections import Counter

import pytest

from durable_notebook import notebook
from durable_notebook.notebook._view import View
from durable_notebook.views import assets

_DECLARED = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|const|let|var|class) (\w+)", re.MULTILINE
)

for module in pkgutil.walk_packages(notebook.__path__, f"{notebook.__name__}."):
    importlib.import_module(module.name)

VIEWS = [kind for kind in View.__subclasses__() if "scripts" in vars(kind)]


@pytest.mark.parametrize("kind", VIEWS, ids=lambda kind: kind.__name__)
def test_no_name_is_declared_twice_in_a_module(kind: type[View]) -> None:
    """Then it is no module, and the view an error in its place."""
    names = Counter(_DECLARED.findall(assets.joined("dom.js", *kind.scripts)))

    assert "standIn" in names
    assert [name for name, count in names.items() if count > 1] == []
