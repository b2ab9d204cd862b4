"""Simulation: believable days of claims, posted to a service, or lived through in one process."""
