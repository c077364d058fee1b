"""Settings of all tests."""

import os

from hypothesis import settings

# The machine may be busy: a slow example is no failure. No test asserts a time. The gate draws the
# same examples each time, so that it fails for a change and not by chance; elsewhere they vary.
settings.register_profile("datakit", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("datakit")
