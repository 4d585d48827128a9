"""Fixtures for the whole suite."""

from __future__ import annotations

import os

from tests.offline import network_cut, network_guard

# A service that a test starts does no more than the test is about.
os.environ.setdefault("SWITCHBOARD_WARM_UP", "false")

__all__ = ["network_cut", "network_guard"]
