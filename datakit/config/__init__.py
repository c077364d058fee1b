"""From a TOML file to checked settings; opens no data."""
