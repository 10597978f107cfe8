"""What holds for every test."""

from hypothesis import settings

# A slow machine is no error: properties are about results, benchmarks about time.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
