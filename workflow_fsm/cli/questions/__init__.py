"""Questions across users on the command line: lists in `lists`, one claim or event in `whole`."""
