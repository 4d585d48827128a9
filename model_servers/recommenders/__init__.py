"""Recommenders: from what people did to what they may like next."""
