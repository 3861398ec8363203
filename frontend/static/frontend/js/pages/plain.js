// Pages without live parts.
import "../lib/shell.js";
