"""The audit of one user, part by part."""
