"""A day of bids, buyouts, endings and claims out of one seed, told line by line: run by its name, once in each tree."""

import random
import sys

import msgspec

from auction.events import encode_events
from auction.results import ListingView
from shardnode.ops.compiled import is_compiled
from tests.auction.house import House

PLAYERS = ("al", "bo", "cy", "di")
GOLD = 100_000
STEPS = 300


def main(seed: int) -> None:
    """Print whether the rules are compiled, then every answer, and in the end every record."""
    sys.stdout.write(f"{'compiled' if is_compiled() else 'interpreted'}\n")
    choose = random.Random(seed)
    house = House(seed=seed)
    for player in PLAYERS:
        house.grant(player, gold=GOLD)
    listings = [house.create(player, start_bid=10, buyout=5_000) for player in PLAYERS for _ in range(3)]
    for _ in range(STEPS):
        player, listing = choose.choice(PLAYERS), choose.choice(listings)
        house.now_ms += choose.randrange(30_000)
        _tell(_step(house, choose, player, listing))
    for record in house.records:
        for store, events in record.items():
            sys.stdout.write(f"{store} {encode_events(events).hex()}\n")


def _step(house: House, choose: random.Random, player: str, listing: str) -> object:
    seen: ListingView = house.view(listing, player)
    match choose.randrange(40):
        case 0:
            return house.buy_out(player, listing, 5_000)
        case 1:
            house.claim_all(player)
            return house.wallet(player)
        case 2:
            return house.end(listing).answer
        case 3:
            return house.cancel(player, listing)
        case _:
            least = seen.min_bid or 10
            return house.bid(player, listing, least + choose.choice((-1, 0, 0, 5, 400)))


def _tell(answer: object) -> None:
    sys.stdout.write(f"{msgspec.json.encode(answer).decode()}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
