"""Trading: orders, ledger and risk. Inside, imports run one way: orders → risk → ledger."""
