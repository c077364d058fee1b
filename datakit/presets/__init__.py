"""Published and own quality rules: one TOML file a preset, each rule with its source."""
