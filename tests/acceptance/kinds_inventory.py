"""Inventory: ``availability``, ``reserve``, ``allocate``, ``stock_ops``, ``source_selection`` and ``hold_sell`` cases.

Backorders, thresholds over several locations, untracked goods and rules on order quantities are "not built".
"""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from omnicore.inventory import Buffer, NotOnShelf
from omnicore.kernel.errors import Refused
from omnicore.kernel.ids import ChannelId, NodeId
from omnicore.kernel.ledger import MAX_AMOUNT
from tests.acceptance.comparing import Named, Refusal, Rows
from tests.acceptance.kinds_distribute import one_step
from tests.acceptance.reading import Case, Fields, NotBuilt
from tests.acceptance.warehouse import EVERYWHERE, Warehouse, quantity, refused, steps, unit_of

_ONE: Final = NodeId("here")


@frozen
class Given:
    """The warehouse a case begins with, the locations that count in it, and the case's pools of them."""

    warehouse: Warehouse
    sellable: list[NodeId]
    pools: Mapping[str, list[NodeId]]
    buffers: tuple[Buffer, ...]
    skus: list[str]

    def channel(self, step: Fields) -> ChannelId:
        """Say which locations a step is about, and in which order they are preferred: one, a pool, a list, or all."""
        if "location" in step:
            nodes = [NodeId(step.text("location"))]
        elif "pool" in step:
            nodes = self.pools.get(step.text("pool"), [])
        elif "location_order" in step:
            nodes = [NodeId(str(each)) for each in step.items("location_order")]
        else:
            nodes = self.sellable
        nodes = [node for node in nodes if node in self.sellable]
        return self.warehouse.pool("asked", nodes, self.buffers)

    def standing(self) -> tuple[Rows, Rows]:
        """Give on hand and promised by location; by SKU too where there are several."""
        rows = {sku: self.warehouse.standing(sku) for sku in self.skus}
        tables = []
        for part in (0, 1):
            by_node = Rows()
            for node in self.warehouse.nodes:
                of_skus = Rows({sku: quantity(rows[sku][node][part]) for sku in self.skus})
                by_node[node] = of_skus if len(self.skus) > 1 else of_skus[self.skus[0]]
            tables.append(by_node)
        return tables[0], tables[1]


def stocked(given: Fields) -> Given:
    """Bring about the stock a case is given."""
    shut = []
    order: list[NodeId] = []
    for row in given.rows("locations"):
        with row.reading():
            order.append(NodeId(row.text("code")))
            if not row.flag("enabled", default=True):
                shut.append(order[-1])
    stock: dict[tuple[NodeId, str], int] = {}
    buffers: list[Buffer] = []
    for row in given.rows("stock"):
        with row.reading():
            node, sku = NodeId(row.text("location")), row.text("sku")
            stock[node, sku] = steps(row.text("on_hand"))
            if not row.flag("active", default=True):
                shut.append(node)
            if not row.flag("in_stock", default=True):
                buffers.append(Buffer(steps=MAX_AMOUNT, unit=unit_of(sku), node=node))
            if row.flag("backorderable", default=False):
                raise NotBuilt("backorders")
    promised: dict[tuple[NodeId, str], list[tuple[int, int | None]]] = {}
    for row in [*given.rows("allocations"), *given.rows("reservations")]:
        with row.reading():
            place = NodeId(row.text("location")), row.text("sku")
            seconds = row.whole("expires_in_seconds") if "expires_in_seconds" in row else None
            promised.setdefault(place, []).append((steps(row.text("quantity")), seconds))
    nodes = list(dict.fromkeys([*order, *(node for node, _ in stock)]))
    warehouse = Warehouse(nodes)
    for (node, sku), on_hand in stock.items():
        warehouse.bring(sku, node, on_hand=on_hand, promised=promised.pop((node, sku), []))
    if promised:
        raise NotBuilt("a promise where there is no stock")
    pools = given.within("pools") if "pools" in given else None
    members = {name: [NodeId(str(node)) for node in pools.items(name)] for name in pools.names()} if pools else {}
    sellable = [node for node in nodes if node not in shut]
    skus = list(dict.fromkeys(sku for _, sku in stock))
    return Given(warehouse, sellable, members, tuple(buffers), skus)


def availability(case: Case) -> Named:
    """Ask what a channel may promise."""
    with case.givens().reading() as fields, one_step(case).reading() as step:
        given, whole_only = stocked(fields), False
        if "item" in fields:
            with fields.within("item").reading() as item:
                item.text("sku")
                whole_only = not item.flag("decimal_quantity", default=True)
        channel = given.channel(step)
        asks = next((name for name in ("available", "salable") if name in step), "")
        if not asks:
            raise NotBuilt(f"the step {', '.join(step.names())}")
        available = given.warehouse.available(step.text(asks), channel)
        asked = steps(step.text("quantity")) if "quantity" in step else None
        if whole_only and asked is not None and asked % steps("1"):
            raise NotBuilt("a fraction of what is sold whole")
    return Named(available=quantity(available), salable=(asked or 1) <= available)


def promise(case: Case) -> Named:
    """Reserve for a time, or allocate for an order; a case of one variant is Vendure's cart."""
    fields = case.givens()
    if "variant" in fields:
        return _variant(case, fields)
    with fields.reading():
        given = stocked(fields)
    warehouse, facts = given.warehouse, Named()
    for step in case.steps():
        with step.reading():
            if "expire_reservations" in step:
                step.text("expire_reservations")
                rows = [row for sku in given.skus for row in warehouse.promised(sku)]
                facts["reservation_count"] = len(rows)
                continue
            asks = "reserve" if "reserve" in step else "allocate"
            sku, amount = step.text(asks), steps(step.text("quantity"))
            if step.text("strategy", "location_order") != "location_order":
                raise NotBuilt("choosing the location with the most")
            channel = given.channel(step)
            minutes = step.whole("ttl_minutes") if "ttl_minutes" in step else None
            expires = None if minutes is None else warehouse.clock().plus(minutes=minutes)
            placed: dict[str, int] = {}
            try:
                for made in warehouse.hold(warehouse.new_name(), channel, {sku: amount}, expires=expires):
                    placed[made.share.node] = placed.get(made.share.node, 0) + made.share.amount
                facts["refused"] = None
            except Refused as error:
                facts["refused"] = refused(error)
            by_node = {node: quantity(each) for node, each in placed.items()}
            facts |= {"reserved": by_node, "allocated": by_node, "new_allocated": by_node}
            facts["reserved_total"] = quantity(sum(placed.values()))
    return facts


def _variant(case: Case, fields: Fields) -> Named:
    """Follow one variant at one location: what is allocated, and what leaves."""
    with fields.reading(), fields.within("variant").reading() as variant:
        on_hand, allocated = steps(variant.text("on_hand")), steps(variant.text("allocated"))
        threshold = steps(variant.text("out_of_stock_threshold"))
        if threshold < 0 or not variant.flag("tracked"):
            raise NotBuilt("backorders" if threshold < 0 else "untracked goods")
    warehouse = Warehouse([_ONE])
    warehouse.bring("V", _ONE, on_hand=on_hand, promised=[(allocated, None)] if allocated else [])
    no = None
    for step in case.steps():
        with step.reading():
            if "fulfil" not in step:
                raise NotBuilt(f"the step {', '.join(step.names())}")
            try:
                warehouse.fulfil("V", _ONE, steps(step.text("fulfil")))
            except Refused as error:
                on_shelf = isinstance(error, NotOnShelf)
                no = Refusal("insufficient_stock_on_hand", code=error.code) if on_shelf else refused(error)
    standing = warehouse.standing("V")[_ONE]
    return Named(on_hand=quantity(standing[0]), allocated=quantity(standing[1]), refused=no)


def stock_ops(case: Case) -> Named:
    """Receive, adjust, allocate, give back and ship."""
    with case.givens().reading() as fields:
        given = stocked(fields)
    no = None
    for step in case.steps():
        with step.reading():
            try:
                _operate(given, step)
            except Refused as error:
                no = refused(error)
    on_hand, allocated = given.standing()
    return Named(on_hand=on_hand, allocated=allocated, refused=no)


def _operate(given: Given, step: Fields) -> None:
    warehouse = given.warehouse
    match step.first:
        case "receive":
            sku, node, amount = step.text("receive"), NodeId(step.text("location")), steps(step.text("quantity"))
            warehouse.bring(sku, node, on_hand=amount, promised=[])
            if step.flag("allocate_to_same_line", default=False):
                warehouse.allocate(sku, node, amount)
        case "adjust":
            warehouse.recount(step.text("adjust"), step.text("location"), steps(step.text("quantity")))
        case "allocate":
            sku, amount = step.text("allocate"), steps(step.text("quantity"))
            warehouse.hold(warehouse.new_name(), given.channel(step), {sku: amount})
        case "deallocate" | "cancel_line" as back:
            warehouse.release(step.text(back), steps(step.text("quantity")))
        case "place_order":
            for row in _lines(step, "place_order"):
                warehouse.allocate(*row)
        case "fulfil":
            for row in _lines(step, "fulfil"):
                warehouse.fulfil(*row)
        case _:
            raise NotBuilt(f"the step {', '.join(step.names())}")


def _lines(step: Fields, name: str) -> list[tuple[str, str, int]]:
    """Read SKU, location and quantity: of a list of lines, or of the step itself."""
    value = step.take(name)
    if not isinstance(value, list):
        return [(str(value), step.text("location"), steps(step.text("quantity")))]
    lines = []
    for row in value:
        with Fields(row, name).reading() as line:
            lines.append((line.text("sku"), line.text("location"), steps(line.text("quantity"))))
    return lines


def source_selection(case: Case) -> Named:
    """Say from which locations an order would come: those a hold of the whole order takes, in order of preference."""
    with case.givens().reading() as fields, one_step(case).reading() as step:
        given = stocked(fields)
        warehouse, wanted = given.warehouse, {}
        for row in step.rows("select_sources"):
            with row.reading():
                wanted[row.text("sku")] = steps(row.text("quantity"))
        channel = given.channel(step)
    before = {(node, sku): warehouse.standing(sku)[node] for sku in wanted for node in warehouse.nodes}
    try:
        made = warehouse.hold(warehouse.new_name(), channel, wanted)
    except Refused as error:
        return Named(refused=refused(error), shippable=False)
    picks = []
    for each in made:
        node, sku = each.share.node, str(each.share.line)
        on_hand, held = before[node, sku]
        deduct, available = quantity(each.share.amount), quantity(on_hand - held)
        picks.append({"location": node, "sku": sku, "deduct": deduct, "available": available})
    packages = {each.share.node for each in made}
    return Named(picks=picks, shippable=True, refused=None, package_count=len(packages))


def hold_sell(case: Case) -> Named:
    """Follow one variant through cart, order and payment as Sylius does: an order holds, what is sold leaves."""
    with case.givens().reading() as fields, fields.within("stock").reading() as given:
        on_hand, held = steps(given.text("on_hand")), steps(given.text("on_hold"))
        if not given.flag("tracked", default=True):
            raise NotBuilt("untracked goods")
    warehouse = Warehouse([_ONE])
    warehouse.bring("V", _ONE, on_hand=on_hand, promised=[(held, None)] if held else [])
    in_cart, no = 0, None
    for step in case.steps():
        with step.reading():
            try:
                in_cart = _buy(warehouse, step, in_cart)
            except Refused as error:
                no = refused(error)
    standing = warehouse.standing("V")[_ONE]
    return Named(on_hand=quantity(standing[0]), on_hold=quantity(standing[1]), refused=no)


def _buy(warehouse: Warehouse, step: Fields, in_cart: int) -> int:
    """Take a step; a cart holds nothing, so adding asks whether a hold would be granted and gives it back."""
    match step.first:
        case "add_to_cart":
            in_cart += steps(step.text("add_to_cart"))
            warehouse.hold(warehouse.new_name(), EVERYWHERE, {"V": in_cart})
            warehouse.release("V", in_cart)
        case "other_customer_buys":
            warehouse.hold(warehouse.new_name(), EVERYWHERE, {"V": steps(step.text("other_customer_buys"))})
        case "place_order":
            asked = step.take("place_order")
            amount = in_cart if asked is True else steps(str(asked))
            warehouse.hold(warehouse.new_name(), EVERYWHERE, {"V": amount})
        case "release":
            warehouse.release("V", steps(step.text("release")))
        case "sell":
            warehouse.fulfil("V", _ONE, steps(step.text("sell")))
        case _:
            raise NotBuilt(f"the step {', '.join(step.names())}")
    return in_cart
