"""The paper's experiments, certified, and its claims beside the exact numbers."""
