"""What a run consists of while it is executed, and an entry is made of.

The inbox, the store, the stream, the bodies in flight, the waits and the questions.
"""
