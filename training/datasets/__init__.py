"""Data sets of labelled people, public and rendered, which all yield a ``Sample``."""
