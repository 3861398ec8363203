"""What the platform hands to a QMT host on another machine: credentials of its own, with the least they need."""
