"""The live runner: one process per run, from rows to rows. `session` drives, the others are its parts."""
