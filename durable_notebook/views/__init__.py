"""Views: values in, a pandas frame, HTML or text out. Nothing is displayed here.

Nothing is imported here either: a terminal needs `text`, and no pandas.
"""
