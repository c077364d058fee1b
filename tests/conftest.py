"""Settings of all tests."""

from hypothesis import settings

# The machine may be busy: a slow example is no failure. No test asserts a time.
settings.register_profile("datakit", deadline=None)
settings.load_profile("datakit")
