"""`%durable_doctor`: why a run does not move, and what helps."""

from __future__ import annotations

from IPython.core.magic import line_magic, magics_class

from durable_notebook.notebook._doctor_view import Diagnosis, diagnosis
from durable_notebook.notebook._fields import parse
from durable_notebook.notebook._sentences import plainly
from durable_notebook.notebook.magics._base import DurableMagics


@magics_class
class DoctorMagics(DurableMagics):
    """Tells why nothing moves."""

    @line_magic
    def durable_doctor(self, line: str) -> Diagnosis:
        """Tell why a run does not move, and what helps: `%durable_doctor [RUN]`.

        Without RUN, of every run that has not ended, and of the journal as a whole.
        It says what is known and changes nothing; each cause comes with what cures it,
        as a button and as a line to copy. The value has `.findings`, and `.df` as a
        DataFrame.
        """
        with plainly():
            return diagnosis(self._durable, parse(line).target)
