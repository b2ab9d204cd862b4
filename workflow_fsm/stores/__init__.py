"""Where lifecycles, events and history are kept: one store, in the dialect of its database."""
