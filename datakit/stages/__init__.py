"""All stages; one family a folder, one stage a file."""
