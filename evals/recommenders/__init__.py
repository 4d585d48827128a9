"""Recommenders compared: data, the runs, and what they are held to."""
