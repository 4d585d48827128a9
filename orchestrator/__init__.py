"""Understands a request, plans it, runs the plan and answers: over HTTP, in a page, in a shell."""
