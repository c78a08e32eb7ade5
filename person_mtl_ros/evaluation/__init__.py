"""Sequences, bags and metrics: what is needed to say how good the tracking is."""
