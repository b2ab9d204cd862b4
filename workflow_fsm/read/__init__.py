"""What people and programs ask of a store: status, what waits, history, dead letters, figures."""
