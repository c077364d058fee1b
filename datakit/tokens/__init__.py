"""Tokenizers and chat templates from local files; nothing is downloaded."""
