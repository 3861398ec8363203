"""gRPC: `.proto` files and thin servicers over the same functions that REST and the live socket call. See docs/grpc.md."""
