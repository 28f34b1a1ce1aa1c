"""Everything that computes a risk or a bound, beside its second source, on random instances.

The instances are exact and reach over the whole input space, its corners included (those of
tests/differential/instances.py come first). One line is printed for each comparison: how often it
was made, and the largest relative gap. Exit status 1 if anything disagrees, with the instance.
The negative control: ``--sabotage 1e-20`` makes a moment of the data wrong in the 20th digit.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import flint
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings

sys.path.insert(0, str(Path(__file__).parents[1]))

from qtheory.risk import moments
from tests.differential import comparisons, relations
from tests.differential.instances import SPECIAL, settings

#: Disagreements after which the search ends.
MOST_SHOWN = 5


@dataclass
class Line:
    """One comparison over all instances."""

    count: int = 0
    largest: float = 0.0
    wrong: int = 0


def sabotage(size):
    """Make the third moment of the factor of a sample wrong by this much."""
    original = moments.factor_moment

    def moment(level, power):
        found = original(level, power)
        return (
            found * (1 + flint.arb(size)) if power == 3 and isinstance(level, flint.arb) else found
        )

    moments.factor_moment = moment


def instances(examples, number, look):
    """Call ``look`` with the special instances, and then with as many random ones."""
    for setting in SPECIAL.values():
        look(setting)

    @seed(number)
    @hypothesis_settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(settings())
    def draw(setting):
        look(setting)

    draw()


def main(arguments=None):
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=5000, help="random instances to draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sabotage", help="how wrong a moment is made")
    chosen = parser.parse_args(arguments)
    if chosen.sabotage:
        sabotage(chosen.sabotage)
    lines, disagreeing, looked_at, begun = {}, [], 0, time.perf_counter()

    def look(setting):
        nonlocal looked_at
        if len(disagreeing) >= MOST_SHOWN:
            return
        looked_at += 1
        wrong = set()
        for gap in [*comparisons.examine(setting), *relations.examine(setting)]:
            line = lines.setdefault(gap.name, Line())
            line.count += 1
            line.largest = max(line.largest, gap.gap)
            if not gap.agrees:
                line.wrong += 1
                wrong.add(gap.name)
        if wrong:
            disagreeing.append((setting, sorted(wrong)))

    instances(chosen.examples, chosen.seed, look)
    print(f"{looked_at} instances, seed {chosen.seed}")
    print(f"{'comparison':40}{'numbers':>10}{'largest gap':>14}{'disagree':>12}")
    for name, line in sorted(lines.items()):
        print(f"{name:40}{line.count:>10}{line.largest:>14.1e}{line.wrong:>12}")
    print(f"{time.perf_counter() - begun:.0f} seconds", file=sys.stderr)
    for setting, names in disagreeing:
        print(f"\n{', '.join(names)} at\n{setting}", file=sys.stderr)
    return 1 if disagreeing else 0


if __name__ == "__main__":
    sys.exit(main())
