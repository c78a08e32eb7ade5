"""Training of the networks; run from a checkout."""
