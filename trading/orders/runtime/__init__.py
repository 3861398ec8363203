"""What runs inside the trade worker of a QMT host: session, lease, sending, storing, reconciling."""
