"""REST API of market data: parse, call one function, render."""
