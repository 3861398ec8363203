"""The simulated QMT terminal: exchange core, markets, its server process and the native stand-ins for the SDK."""
