"""What moves exist? Every state machine as Mermaid, from the tables the code runs on."""

from omnicore import scenarios
from omnicore.cli.screen import Screen
from omnicore.kernel.machine import all_machines


def diagram(screen: Screen, name: str | None) -> int:
    """Write the diagram of one machine, or of all; 2 for an unknown name."""
    machines = {machine.name: machine for machine in all_machines()}
    if name is not None and name not in machines:
        screen.clear()
        print(f"omnicore: no machine is called {name!r}; there are: {', '.join(sorted(machines))}", file=screen.err)
        return 2
    for key in sorted(machines) if name is None else [name]:
        screen.say(f"%% {key}")
        screen.say(machines[key].mermaid())
    return 0


_ = scenarios  # importing them declares every machine
