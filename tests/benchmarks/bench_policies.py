"""What each policy costs here: parameters, a training step, a chunk and 32 of them, taking turns in one process.

`python -m tests.benchmarks.bench_policies [--rounds N] [--device cuda]` prints the rows of docs/benchmarks.md for every
policy that can be built from scratch, `--networks` for each network and encoder of the default policy. The first row is
the default, to which the ratios refer. `--only NAME` (repeated) measures the default and those.
"""

import argparse
from collections.abc import Iterable

from teleop_studio.policies import POLICIES
from tests.benchmarks.policy_timing import Contender, markdown, take_turns

# One training step of these takes seconds on a processor: they are measured on a GPU, or when asked for by name.
LARGE = ("smolvla", "pi0", "pi05")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--networks", action="store_true", help="networks and encoders of the default policy")
    parser.add_argument("--only", action="append", choices=tuple(POLICIES), help="this policy; may be repeated")
    parser.add_argument("--backbone", default="", help="folder of a pretrained backbone, for the frozen encoder")
    options = parser.parse_args()
    contenders = networks(options.backbone) if options.networks else policies(options.only)
    print(markdown(take_turns(contenders, options.rounds, options.device)))


def policies(only: Iterable[str] | None) -> list[Contender]:
    """The default first, then each other one that can be built here without pretrained weights."""
    default = next(iter(POLICIES))
    wanted = [name for name in only or POLICIES if name != default and (only or name not in LARGE)]
    found = [Contender(POLICIES[default].title, default)]
    for name in wanted:
        kind = POLICIES[name]
        if kind.missing or kind.weights:
            print(f"{kind.title} is left out: {kind.missing or 'it starts from pretrained weights.'}")
            continue
        found.append(Contender(kind.title, name))
    return found


def networks(backbone: str) -> list[Contender]:
    """Each network with the default's encoder, each encoder with the default's network."""
    default = next(iter(POLICIES))
    choices = POLICIES[default].choices
    nets, encoders = choices["network"], choices["encoder"]
    found = [Contender(f"{nets[0]}, {encoders[0]}", default)]
    found += [Contender(f"{net}, {encoders[0]}", default, {"network": net}) for net in nets[1:]]
    for encoder in encoders[1:]:
        settings = {"encoder": encoder, **({"backbone": backbone} if encoder == "frozen" else {})}
        if encoder == "frozen" and not backbone:
            print("The frozen encoder is left out: name its folder with --backbone.")
            continue
        found.append(Contender(f"{nets[0]}, {encoder}", default, settings))
    return found


if __name__ == "__main__":
    main()
