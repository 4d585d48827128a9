"""Turns a batch of inputs into a batch of outputs, fast: weights, runtimes, batching, memory."""
