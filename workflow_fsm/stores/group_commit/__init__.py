"""Group commit: all the work that waits is committed in one go, by turns that share the one writer's time."""
