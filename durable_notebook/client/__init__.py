"""What a magic, a command or a page does, a script does with this.

`_client` has a runtime, executes runs and answers questions; `_journal` looks at a
journal from outside and executes none.
"""
