"""A user's own conjecture: the language of claims, the search for counterexamples, strategies."""
