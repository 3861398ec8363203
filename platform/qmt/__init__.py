"""Everything that talks to a QMT terminal. Plain Python: no Django here, and nobody else imports the SDK."""
