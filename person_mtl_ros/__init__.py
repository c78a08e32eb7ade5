"""On-robot person understanding: one network, four outputs per person, one identity."""
