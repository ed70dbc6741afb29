"""Which values may occur? Hypothesis strategies for the public types, one module for the kernel and one per context."""
