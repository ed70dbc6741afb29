"""What must hold of commands and questions, whatever host and database run them? One function for each law."""

from collections.abc import Callable

from omnicore.host import KeyReused
from omnicore.kernel.errors import Conflict, InDoubt, Malformed, OmnicoreError, Refused
from omnicore.kernel.flow import Staff
from omnicore.testing.bench import Noted, same
from omnicore.testing.kit_shop import HostBench, free, receive, reserve, sell

Law = Callable[[HostBench], None]


def raises(error: type[OmnicoreError], work: Callable[[], object]) -> OmnicoreError:
    """Demand that work is refused in exactly this way; gives the refusal."""
    try:
        work()
    except error as found:
        same("the type of a refusal", type(found), error)
        return found
    raise AssertionError(f"{error.__name__} was not raised")


def same_key_same_answer(bench: HostBench) -> None:
    """A command with a key happens once, and gives the same answer whenever it is sent again."""
    host = bench.host()
    host.run(receive(amount=5), command="in")
    for _ in range(3):
        same("the answer", host.run(sell(order="o1", amount=2), command="c1"), "o1")
        same("what is left", host.run(free()), 3)
    outcomes = [told.outcome for told in bench.told if told.flow == "testing.sell"]
    same("what the observer was told", outcomes, ["ok", "replayed", "replayed"])


def other_request_refused(bench: HostBench) -> None:
    """A key that was used for one request is refused for another: other arguments, another flow, somebody else."""
    host = bench.host()
    host.run(receive(amount=5), command="c1")
    raises(KeyReused, lambda: host.run(receive(amount=6), command="c1"))
    raises(KeyReused, lambda: host.run(sell(order="o", amount=5), command="c1"))
    raises(KeyReused, lambda: host.acting(Staff("eve")).run(receive(amount=5), command="c1"))
    same("what is left", host.run(free()), 5)


def refusal_not_stored(bench: HostBench) -> None:
    """A refused command leaves no trace, and its key succeeds once the reason is gone."""
    host = bench.host()
    host.run(receive(amount=1))
    before = bench.bench().picture()
    refused = raises(Refused, lambda: host.run(sell(order="o1", amount=2), command="c1"))
    assert isinstance(refused, Refused)
    same("the facts of the refusal", dict(refused.facts), {"available": 1})
    same("what a refused command left", bench.bench().picture(), before)
    host.run(receive(amount=1))
    same("the same key later", host.run(sell(order="o1", amount=2), command="c1"), "o1")


def questions_only_ask(bench: HostBench) -> None:
    """A question changes nothing and takes no key."""
    host = bench.host()
    raises(Malformed, lambda: host.run(free(), command="c1"))
    raises(Malformed, lambda: host.run(receive(amount=1), command=""))
    same("what an empty shelf has", host.run(free()), 0)


def conflicts_tried_again(bench: HostBench) -> None:
    """A command that loses a race is decided afresh, a bounded number of times."""
    host = bench.host()
    host.run(receive(amount=5))
    bench.told.clear()
    bench.lossy(commits_lost=3).run(sell(order="o1", amount=1))
    same("what is left after three lost commits", host.run(free()), 4)
    same("the retries that were observed", bench.told[0].retries, 3)
    raises(Conflict, lambda: bench.lossy(commits_lost=10_000).run(sell(order="o2", amount=1)))
    same("what is left where every commit is lost", host.run(free()), 4)


def lost_answers_found(bench: HostBench) -> None:
    """Where the answer to a commit is lost, the key finds it, and nothing happens twice."""
    host = bench.host()
    host.run(receive(amount=5))
    for lost in (1, 2, 3):
        flaky = bench.lossy(answers_lost=lost)
        same("the answer", flaky.run(sell(order=f"o{lost}", amount=1), command=f"c{lost}"), f"o{lost}")
        same("what is left", host.run(free()), 5 - lost)


def doubt_is_told(bench: HostBench) -> None:
    """Where the answer to a commit is lost and there is no key to find it by, that is told and nothing done again."""
    host = bench.host()
    host.run(receive(amount=5))
    raises(InDoubt, lambda: bench.lossy(answers_lost=1).run(sell(order="o1", amount=1)))
    same("what is left", host.run(free()), 4)
    group = [(sell(order="o2", amount=1), None), (sell(order="o3", amount=1), "c3"), (sell(order="o4", amount=1), None)]
    answers = bench.lossy(answers_lost=1).run_many(group)
    same("answers", [row if isinstance(row, str) else type(row) for row in answers], [InDoubt, "o3", InDoubt])
    same("what is left", host.run(free()), 1)


def grouped(bench: HostBench) -> None:
    """Commands run together give what they give one by one: each its answer, its refusal or its stored answer."""
    host = bench.host()
    host.run(receive(amount=6))
    host.run(sell(order="known", amount=1), command="k0")
    group = [
        (reserve(hold="h1", amount=2), "k1"),
        (reserve(hold="h2", amount=9), "k2"),
        (sell(order="known", amount=1), "k0"),
        (reserve(hold="h3", amount=1), "k1"),
        (reserve(hold="h4", amount=1), None),
    ]
    for again in (0, 1):
        answers = [row if isinstance(row, str) else type(row).__name__ for row in host.run_many(group)]
        same(f"answers, run {again}", answers, ["h1", "Refused", "known", "KeyReused", "h4"])
        same("what is left", host.run(free()), 2)
    race = host.run_many([(reserve(hold="h5", amount=2), "k5"), (reserve(hold="h6", amount=2), "k6")])
    same("two that want the last ones", [row == "h5" or type(row) for row in race], [True, Refused])
    same("what is left", host.run(free()), 0)
    host.run(receive(amount=5))
    clash = host.run_many([(reserve(hold="h7", amount=1), None), (reserve(hold="h7", amount=2), None)])
    same("two that use one id", [row == "h7" or type(row) for row in clash], [True, Malformed])
    bench.bench().verified()


def observed_without_arguments(bench: HostBench) -> None:
    """The observer is told how a run went, never what it was about."""
    host = bench.host()
    host.run(receive(amount=7_351_946))
    host.run(sell(order="canary", amount=1), command="canary-key")
    raises(Refused, lambda: host.run(sell(order="canary", amount=10**9)))
    shown = repr(bench.told)
    same("arguments in what was observed", [word for word in ("canary", "7351946") if word in shown], [])
    same("outcomes", [told.outcome for told in bench.told], ["ok", "ok", "kernel.refused"])


def events_follow_commands(bench: HostBench) -> None:
    """What happened is in the journal exactly where it happened, with who did it and for which command."""
    host = bench.host().acting(Staff("s1"))
    host.run(receive(amount=2))
    host.run(sell(order="o1", amount=1), command="c1")
    raises(Refused, lambda: host.run(sell(order="o2", amount=9), command="c2"))
    host.work()
    with bench.bench().reading() as store:
        rows = store.read()
    same("what happened", [row.read() for row in rows], [Noted(about="sale", text="o1")])
    same("who and for which command", [(row.by, row.command) for row in rows], [("staff:s1", "c1")])


LAWS: tuple[Law, ...] = (
    same_key_same_answer,
    other_request_refused,
    refusal_not_stored,
    questions_only_ask,
    conflicts_tried_again,
    lost_answers_found,
    doubt_is_told,
    grouped,
    observed_without_arguments,
    events_follow_commands,
)
