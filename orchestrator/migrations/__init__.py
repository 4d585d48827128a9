"""The database's schema, revision by revision. Applied by `orchestrator.database`."""
