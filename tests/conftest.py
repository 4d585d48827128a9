"""Fixtures for the whole suite."""

from __future__ import annotations

from tests.offline import network_cut, network_guard

__all__ = ["network_cut", "network_guard"]
