"""One file per theorem; each reads as a proof and ends in its theorem."""
