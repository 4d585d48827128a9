"""One typed capability a file, in the words that a planner and a person use."""
