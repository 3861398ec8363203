"""The SDK's functions by name: who may call which, and where the calls are run."""
