"""How do events travel over NATS JetStream, and arrive with an effect that happens once?

``Publisher`` is what a relay publishes to; ``Subscriber`` pulls messages, deals with each once, and acknowledges it
then. Both serve synchronous and asynchronous hosts alike: their connection lives on an event loop in a thread of its
own. Needs ``omnicore[nats]``.
"""

from omnicore.adapters.nats.publisher import Publisher
from omnicore.adapters.nats.subscriber import Subscriber

__all__ = ["Publisher", "Subscriber"]
