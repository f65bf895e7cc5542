"""`auction trace` over houses on disk: whose an item was, and what tainted things turned into."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from auction.commands import AcceptOffer, BuyCommodity, MakeOffer, OfferSide, SellCommodity, Take
from auction.events import Record
from auction.state import StoreId
from shardnode.cli.trace import trace_command
from shardnode.ops import descendants
from shardnode.ops.descendants import Descent, Trail, of_gold, of_item
from shardnode.ops.histories import Histories
from shardnode.ops.provenance import provenance
from tests.auction.house import MARKETS, START_MS, House, store_of
from tests.auction.test_history import owned
from tests.auction.town import PLAYERS, Town
from tests.storage.histories import write

AT = "2023-11-14 22:13:20"
"""START_MS for a person."""


class Part(House):
    """What one node of a house has: the stores of some players, or all the rest."""

    def __init__(self, house: House, stores: set[StoreId], *, has: bool) -> None:
        super().__init__()
        parts: list[Record] = [
            {store: events for store, events in record.items() if (store in stores) == has} for record in house.records
        ]
        self.records = [part for part in parts if part]
        self.now_ms = house.now_ms


def on_disk(house: House, base: Path) -> list[Path]:
    """The house in two directories: al's and the market's stores in one, all others in the other; some saved."""
    base.mkdir(parents=True, exist_ok=True)
    first = {store_of("al"), *MARKETS}
    for name, part in (("one", Part(house, first, has=True)), ("two", Part(house, first, has=False))):
        write(part, base / name, len(part.records) // 2).close()
    return [base / "one", base / "two"]


def run(*words: str | Path) -> Result:
    """`auction trace`."""
    return CliRunner().invoke(trace_command, [str(word) for word in words])


@pytest.fixture
def house() -> House:
    """A house with the default rules; al, bo and cy have gold."""
    house = House()
    for player in ("al", "bo", "cy"):
        house.grant(player, gold=1_000)
    return house


def sell(house: House, seller: str, buyer: str, item: str, price: int) -> str:
    """An item changes hands, and all is claimed; the listing."""
    listing = house.create(seller, item=item, buyout=price)
    house.done(house.buy_out(buyer, listing, price))
    house.claim_all(buyer)
    house.claim_all(seller)
    return listing


def trade(house: House, maker: str, to: str, give: dict[str, Any], want: dict[str, Any]) -> str:
    """An offer is made and accepted, and all is claimed."""
    made = house.ask(maker, MakeOffer(to=to, give=OfferSide(**give), want=OfferSide(**want)))
    offer: str = house.done(made).offer
    house.done(house.ask(to, AcceptOffer(offer=offer)))
    house.claim_all(maker)
    house.claim_all(to)
    return offer


class TestProvenance:
    """Whose an item was."""

    def test_every_owner_and_trade_is_told(self, house: House, tmp_path: Path) -> None:
        """Granted, unsold, sold, won, given away, and where it is now; over the directories of both nodes."""
        (item,) = house.grant("al", items=1)
        unsold = house.create("al", item=item, buyout=400)
        house.cancel("al", unsold)
        house.claim_all("al")
        first = sell(house, "al", "bo", item, 100)
        auction = house.create("bo", item=item, start_bid=50)
        house.bid("al", auction, 80)
        house.run_out(auction)
        house.claim_all("al")
        offer = trade(house, "al", "cy", {"items": [item]}, {})
        listed = house.create("cy", item=item, buyout=7)
        shown = run(item, *on_disk(house, tmp_path))
        later = "2023-11-14 23:13:20"
        assert shown.exit_code == 0, shown.output
        assert shown.stdout.splitlines() == [
            f"{item} (Tide Oar)",
            f"  {AT}  granted to al",
            f"  {AT}  came back to al unsold, {unsold}",
            f"  {AT}  al → bo, bought for 100 (al got 85), {first}",
            f"  {later}  bo → al, won for 50 (bo got 42), {auction}",
            f"  {later}  al → cy, traded for 0 (al got 0), {offer}",
            f"now with cy: for sale, listing {listed}",
        ]

    def test_json_has_all_figures(self, house: House, tmp_path: Path) -> None:
        """The same for programs."""
        (item,) = house.grant("al", items=1)
        listing = sell(house, "al", "bo", item, 100)
        shown = json.loads(run(item, "--json", *on_disk(house, tmp_path)).stdout)
        assert (shown["item"], shown["name"], shown["now"]) == (item, "Tide Oar", "with bo: in the stash")
        assert shown["steps"][1] == {
            "at_ms": START_MS,
            "what": "bought",
            "giver": "al",
            "taker": "bo",
            "paid": 100,
            "received": 85,
            "ref": listing,
        }

    def test_what_left_the_house_is_told(self, house: House, tmp_path: Path) -> None:
        """An item that was taken is nowhere."""
        (item,) = house.grant("al", items=1)
        house.ask("mint", Take(key="t", player="al", items=[item]), "service")
        lines = run(item, *on_disk(house, tmp_path)).stdout.splitlines()
        assert lines[-2:] == [f"  {AT}  taken from al, left the house", "now left the house"]

    @pytest.mark.parametrize("where", ["stash", "delivery", "offer"])
    def test_it_is_found_wherever_it_is(self, house: House, tmp_path: Path, where: str) -> None:
        """In the stash, waiting to be claimed, or offered to somebody."""
        (item,) = house.grant("al", items=1)
        if where == "delivery":
            house.buy_out("bo", house.create("al", item=item, buyout=10), 10)
            now = f"with bo: waiting to be claimed, delivery {store_of('bo')}.d1"
        elif where == "offer":
            ask = MakeOffer(to="bo", give=OfferSide(items=[item]), want=OfferSide(gold=1))
            now = f"with al: offered to bo, offer {house.done(house.ask('al', ask)).offer}"
        else:
            now = "with al: in the stash"
        assert run(item, *on_disk(house, tmp_path)).stdout.splitlines()[-1] == f"now {now}"

    def test_a_way_into_a_directory_that_is_missing(self, house: House, tmp_path: Path) -> None:
        """With one node's directory alone, the item is on its way to a player of the other."""
        (item,) = house.grant("al", items=1)
        sell(house, "al", "bo", item, 100)
        one, _ = on_disk(house, tmp_path)
        assert run(item, one).stdout.splitlines()[-1] == "now on its way to bo"

    def test_a_way_begins_with_what_is_known(self, house: House, tmp_path: Path) -> None:
        """Where the store with the grant is not there, or older than histories, nothing is made up."""
        (item,) = house.grant("al", items=1)
        first, second = (
            sell(house, *players, item, price) for *players, price in (("al", "bo", 100), ("bo", "cy", 50))
        )
        _, two = on_disk(house, tmp_path)
        assert run(item, two).stdout.splitlines()[1:3] == [
            f"  {AT}  came to bo, bought for 100, {first}",
            f"  {AT}  bo → cy, bought for 50 (bo got 42), {second}",
        ]

    def test_what_nobody_knows_is_exit_code_1(self, house: House, tmp_path: Path) -> None:
        """An item of another house, or no item at all."""
        data = on_disk(house, tmp_path)
        for thing in (f"{store_of('al')}.i99", "nonsense", f"{'a' * 26}.i1"):
            shown = run(thing, *data)
            assert (shown.exit_code, shown.stdout) == (1, "")
            assert "nothing is known of" in shown.stderr

    def test_what_cannot_be_read_is_exit_code_2(self, house: House, tmp_path: Path) -> None:
        """No directory of a node, or one and a copy of it."""
        one, _ = on_disk(house, tmp_path)
        assert run("x", tmp_path).exit_code == 2
        shutil.copytree(one, tmp_path / "copy")
        twice = run("x", one, tmp_path / "copy")
        assert (twice.exit_code, "name each node's directory once" in twice.stderr) == (2, True)


class TestDescendants:
    """What tainted things turned into."""

    def test_an_item_its_proceeds_and_what_they_bought(self, house: House, tmp_path: Path) -> None:
        """Bo has the duped item; al has what he got for it, and the sword that he bought with that."""
        (item,) = house.grant("al", items=1)
        (sword,) = house.grant("cy", items=1, base="fog_bell")
        first = sell(house, "al", "bo", item, 1_000)
        second = sell(house, "cy", "al", sword, 1_200)
        shown = run("--descendants", item, *on_disk(house, tmp_path))
        assert shown.stdout.splitlines() == [
            f"{AT}  al  item {item}, granted",
            f"  {AT}  al  850 gold, sold {first}: 650 of it still with al",
            f"    {AT}  al  200 gold, bought {second}: paid to cy, who is not followed",
            f"    {AT}  al  item {sword}, bought {second}: in the stash",
            f"  {AT}  bo  item {item}, bought {first}: in the stash",
        ]

    def test_gold_that_came_first_goes_first(self, house: House, tmp_path: Path) -> None:
        """Al's own thousand pays before the tainted gold does; then that, to the piece."""
        (sword,) = house.grant("cy", items=1)
        (oar,) = house.grant("cy", items=1)
        house.now_ms += 60_000
        house.grant("al", gold=500)
        sell(house, "cy", "al", sword, 1_000)
        bought = sell(house, "cy", "al", oar, 300)
        shown = run("--descendants", "al:500@2023-11-14T22:14", *on_disk(house, tmp_path))
        later = "2023-11-14 22:14:20"
        assert shown.stdout.splitlines() == [
            "2023-11-14 22:14:00  al  500 gold, came in",
            f"  {later}  al  500 gold, granted: 200 of it still with al",
            f"    {later}  al  300 gold, bought {bought}: paid to cy, who is not followed",
            f"    {later}  al  item {oar}, bought {bought}: in the stash",
        ]

    def test_offers_are_followed_both_ways(self, house: House, tmp_path: Path) -> None:
        """Gold given away stays tainted with who took it; what came for it is tainted, too."""
        (bell,) = house.grant("bo", items=1, base="fog_bell")
        offer = trade(house, "al", "bo", {"gold": 1_000}, {"items": [bell], "commodities": {}})
        shown = run("--descendants", f"al:1000@{START_MS}", *on_disk(house, tmp_path))
        assert shown.stdout.splitlines()[2:] == [
            f"    {AT}  al  item {bell}, traded {offer}: in the stash",
            f"    {AT}  bo  1,000 gold, traded {offer}: still with bo",
        ]

    def test_pieces_are_followed_by_their_share(self, house: House, tmp_path: Path) -> None:
        """Half the price in tainted gold makes half the pieces tainted, and half of what they are sold for."""
        house.grant("cy", commodities={"tin": 100})
        house.now_ms += 60_000
        house.grant("al", gold=1_000)
        house.ask("cy", SellCommodity(commodity="tin", quantity=100, limit_price=20))
        bought = house.done(house.ask("al", BuyCommodity(commodity="tin", quantity=100, limit_price=20))).order
        house.claim_all("al")
        house.ask("bo", BuyCommodity(commodity="tin", quantity=50, limit_price=4))
        sold = house.done(house.ask("al", SellCommodity(commodity="tin", quantity=50, limit_price=4))).order
        shown = run("--descendants", "al:1000@2023-11-14T22:14:20", *on_disk(house, tmp_path))
        later = "2023-11-14 22:14:20"
        assert shown.stdout.splitlines() == [
            f"{later}  al  1,000 gold, came in",
            f"  {later}  al  1,000 gold, granted",
            f"    {later}  al  50 tin, filled {bought}",
            f"      {later}  al  170 gold, filled {sold}: still with al",
        ]

    def test_less_gold_than_was_asked_for(self, house: House, tmp_path: Path) -> None:
        """It is told how much came in at all."""
        shown = run("--descendants", f"al:5_000@{START_MS}", *on_disk(house, tmp_path))
        assert shown.stdout.splitlines()[0].endswith("5,000 gold, came in: only 1000 came in from then on")

    def test_the_limit_is_told(self, house: House, tmp_path: Path) -> None:
        """Where a trace ends for its limit it says so, and how to go on."""
        (item,) = house.grant("al", items=1)
        for seller, buyer in (("al", "bo"), ("bo", "cy"), ("cy", "al")):
            sell(house, seller, buyer, item, 10)
        shown = run("--descendants", "--limit", "3", item, *on_disk(house, tmp_path)).stdout
        assert "not followed further: the trace's limit" in shown
        assert shown.splitlines()[-1].startswith("there is more: 3 things were followed; raise --limit")

    def test_no_sum_is_a_usage_error(self, house: House, tmp_path: Path) -> None:
        """What is neither an item nor a sum is told with how a sum is written."""
        data = on_disk(house, tmp_path)
        for thing in ("al:x@2023-11-14", "al:5@yesterday", "al:5"):
            shown = run("--descendants", thing, *data)
            assert shown.exit_code == 2
            assert "like" in shown.stderr
        assert run("--descendants", f"nobody:5@{START_MS}", *data).exit_code == 1


def ends(trail: Trail) -> list[Trail]:
    """A trail and all that it turned into."""
    found, waiting = list[Trail](), [trail]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(one.further)
    return found


@settings(max_examples=4)
@given(seed=st.integers(0, 2**32))
def test_traces_agree_with_the_house(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """After any trades: each item's way ends with its owner, and all gold that ever came to a player is either still
    the player's or was spent, to the piece.
    """
    house = Town(seed).live(60)
    with Histories(on_disk(house, tmp_path_factory.mktemp("town"))) as histories:
        for player in PLAYERS:
            gold, items, _ = owned(house.state(player))
            for item in items:
                way = provenance(histories, item)
                assert way is not None and way.now.startswith(f"with {player}: ") and "audit" not in way.now
                assert way.steps[0].what == "granted"
                assert all(later.at_ms >= sooner.at_ms for sooner, later in zip(way.steps, way.steps[1:], strict=False))
                assert of_item(histories, item) is not None
            history = histories.of_player(player)
            assert history is not None
            came, went = (sum(getattr(row, way) for row in history.rows) for way in ("gold_in", "gold_out"))
            flow = descendants._Flow(history.rows, None)
            spent = [part for place, row in enumerate(history.rows) for _, part in flow.spent(place, 0, row.gold_in)]
            assert (sum(spent), came - sum(spent)) == (went, gold)
            descent = of_gold(histories, player, came, 0)
            assert isinstance(descent, Descent) and not descent.is_cut
            assert descent.things <= len(ends(descent.root))
