"""The tasks: each module has a `TASK`, and is called as its task."""
