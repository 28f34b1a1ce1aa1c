"""The theorems as SymPy relations, and the numeric bounds evaluated from them."""

from collections.abc import Iterator, Mapping

from qtheory.errors import NoTheoremError, one_of
from qtheory.theory import (
    batch,
    decomposition,
    fourth_moments,
    lower,
    recursion,
    sketch,
    spectrum,
    upper,
)
from qtheory.theory.bounds import Bound, lower_bound, upper_bound
from qtheory.theory.theorem import Hypothesis, Theorem

__all__ = ["Bound", "Hypothesis", "Theorem", "Theorems", "lower_bound", "theorems", "upper_bound"]


class Theorems(Mapping[str, Theorem]):
    """The theorems by their names, found by their numbers in the theory (T1, T4', ...) as well.

    Of a number that several theorems share, as T5 and T5 for E R, the first is meant; the others
    have more in their label, which is accepted too.

    Raises
    ------
    NoTheoremError
        For what is no name and no number, with those that are near. It is a KeyError too.

    Examples
    --------
    >>> theorems["T4"].name, theorems["T5 for E R"].name
    ('upper_bound', 'risk_lower_bound')
    >>> list(theorems)[:2], "T1" in theorems
    (['decomposition', 'recursion'], True)
    """

    def __init__(self, entries: tuple[Theorem, ...]) -> None:
        self._entries = {theorem.name: theorem for theorem in entries}

    def __getitem__(self, name: str) -> Theorem:
        return self._entries[self.names_of(name)[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Theorems({', '.join(f'{t.label}: {t.name}' for t in self._entries.values())})"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._entries)

    def names_of(
        self, name: str, others: Mapping[str, str] | None = None, argument: str = "name"
    ) -> list[str]:
        """The names of the theorems that a name or a number stands for.

        ``others`` are further names with their labels, of what is looked up like a theorem;
        ``argument`` is what the name was given as, for the error message.
        """
        labels = {each.name: each.label for each in self._entries.values()} | dict(others or {})
        if isinstance(name, str):
            wanted = _spelled(name)
            found = [
                known
                for known, label in labels.items()
                if wanted in (_spelled(known), _spelled(label), _spelled(label.split(",")[0]))
            ]
            if found:
                return found
        numbers = [label for label in labels.values() if "," not in label]
        raise NoTheoremError(argument, name, one_of(name, [*labels, *numbers]))


def _spelled(name: str) -> str:
    """Without what is written now one way, now another: T4', T4\u2019, t4 prime."""
    text = name.casefold().replace("\u2019", "'").replace("\u2032", "'").replace("prime", "'")
    return "".join(letter for letter in text if letter not in " _-")


#: Every theorem, by its name or its number.
theorems = Theorems(
    tuple(
        theorem
        for part in (
            decomposition,
            recursion,
            upper,
            fourth_moments,
            lower,
            spectrum,
            batch,
            sketch,
        )
        for theorem in part.THEOREMS
    )
)
