"""Everything that waits for a second person, whatever it is."""
