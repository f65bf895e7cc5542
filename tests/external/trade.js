// A day at the auction house with rpc-websockets, a JSON-RPC client that knows nothing of the house.
// Usage: node trade.js URL SERVICE_TOKEN SELLER_TOKEN BUYER_TOKEN
// Prints one JSON object with what was seen; test_rpc_websockets.py judges it.
import { once } from "node:events";
import { Client } from "rpc-websockets";

const [url, serviceToken, sellerToken, buyerToken] = process.argv.slice(2);

async function connect(token) {
  const client = new Client(url, { reconnect: false });
  const events = [];
  client.on("event", (event) => events.push(event));
  const [hello] = await once(client, "hello");
  const login = await client.call("session.login", { token });
  return { client, events, hello, login };
}

async function errorOf(promise) {
  try {
    await promise;
    return null;
  } catch (error) {
    return { code: error.code, reason: error.data?.reason, path: error.data?.path, price: error.data?.price };
  }
}

function arrival(who, type) {
  const heard = who.events.find((event) => event.type === type);
  return heard ? Promise.resolve(heard) : once(who.client, "event").then(() => arrival(who, type));
}

const service = await connect(serviceToken);
const seller = await connect(sellerToken);
const buyer = await connect(buyerToken);

const { bases } = await service.client.call("world.bases", { limit: 1 });
const granted = await service.client.call("admin.grant", {
  player: seller.login.player,
  items: [{ base: bases[0].base }, { base: bases[0].base }],
  key: "goods",
});
await service.client.call("admin.grant", { player: buyer.login.player, gold: 9007199254740991, key: "gold" });
const richest = await buyer.client.call("player.get");

async function sell(item, prices) {
  const { listing } = await seller.client.call("listing.create", { item, duration_s: 3600, ...prices });
  return listing.listing;
}
const [first, second] = granted.items.map(({ item }) => item);
const auction = await sell(first, { start_bid: 100, buyout: 900 });
const fixed = await sell(second, { buyout: 333 });

const bid = await buyer.client.call("listing.bid", { listing: auction, amount: 500, key: "bid" });
const repeated = await buyer.client.call("listing.bid", { listing: auction, amount: 500, key: "bid" });
const errors = {
  unknown: await errorOf(buyer.client.call("no.such.method")),
  positional: await errorOf(buyer.client.call("listing.get", [auction])),
  missing: await errorOf(buyer.client.call("listing.get", {})),
  absent: await errorOf(buyer.client.call("listing.get", { listing: "none" })),
  changed: await errorOf(buyer.client.call("listing.buyout", { listing: fixed, price: 1 })),
  forbidden: await errorOf(buyer.client.call("admin.player", { player: "x" })),
};
await buyer.client.notify("listing.buyout", { listing: fixed, price: 333 });
const arrived = await arrival(buyer, "delivery.arrived");
const sold = await arrival(seller, "listing.sold");
const claimed = await buyer.client.call("delivery.claim", { delivery: arrived.data.delivery });
const flight = await Promise.all(Array.from({ length: 100 }, () => buyer.client.call("player.get")));
const missed = await seller.client.call("events.since", { seq: 0 });

console.log(
  JSON.stringify({
    hello: seller.hello,
    login: seller.login,
    richest: richest.gold.available,
    bid: { winning: bid.winning, price: bid.listing.price },
    repeated_is_same: JSON.stringify(repeated) === JSON.stringify(bid),
    errors,
    sold: sold.data,
    fixed,
    claimed: claimed.delivery.items.map(({ item }) => item),
    second,
    flight: flight.map(({ gold }) => gold),
    missed: missed.events.map(({ seq }) => seq),
    pushed: seller.events.map(({ seq }) => seq),
  }),
);
for (const { client } of [service, seller, buyer]) {
  client.close();
}
