"""What a run did: counts, and how they are shown."""
