"""Trainable systems, one file per paper."""
