"""Running a plan: segments over shards, on this process, a pool, or a cluster."""
