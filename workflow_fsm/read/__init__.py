"""What people and programs ask of a store: status and history, dead letters, figures."""
