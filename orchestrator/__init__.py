"""Understands a request, plans it, runs the plan and answers: over HTTP, in a chat page, in a shell."""
