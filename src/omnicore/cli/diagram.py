"""What moves exist? Every state machine as Mermaid, from the tables the code runs on."""

from omnicore.cli.opening import CommandFailed
from omnicore.cli.screen import Screen
from omnicore.cli.stories import declare_everything
from omnicore.kernel.machine import all_machines


def diagram(screen: Screen, name: str | None) -> int:
    """Write the diagram of one machine, or of all. Raises: CommandFailed for an unknown name."""
    declare_everything()
    machines = {machine.name: machine for machine in all_machines()}
    if name is not None and name not in machines:
        raise CommandFailed(f"{name}: no such machine; there are {', '.join(sorted(machines))}")
    for key in sorted(machines) if name is None else [name]:
        screen.say(f"%% {key}")
        screen.say(machines[key].mermaid().rstrip())
    return 0
