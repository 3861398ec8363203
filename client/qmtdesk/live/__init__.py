"""The live socket: what moves, as it moves, resumed after every interruption."""
