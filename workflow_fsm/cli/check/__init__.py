"""The audit on the command line: the command in `command`, an audit in several processes in `apart`."""
