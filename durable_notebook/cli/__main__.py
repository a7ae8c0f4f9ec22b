"""`python -m durable_notebook.cli`."""

from __future__ import annotations

import sys

from durable_notebook.cli import main

sys.exit(main())
