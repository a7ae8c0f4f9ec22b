"""What is asked of runs, and done to them, with the store alone: nothing is executed.

The runtime uses it from inside, a client or a command line from outside.
"""
