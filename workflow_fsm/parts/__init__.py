"""The parts of `Workflow`: questions, names, dead letters, handlers; each a class that it is made of."""
