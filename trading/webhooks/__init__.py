"""Events of accounts for programs of their people: signed, in order, at least once."""
