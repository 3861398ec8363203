"""The live socket: who may subscribe to what, and what they get. See docs for the protocol."""
