"""kill -9 before and after every database commit, resume, compare."""
