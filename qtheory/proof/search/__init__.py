"""Finding certificates: what is not trusted, as the checker reads whatever is found here."""

from qtheory.proof.search.searching import search, search_missing
from qtheory.proof.search.tree import NotFound

__all__ = ["NotFound", "search", "search_missing"]
