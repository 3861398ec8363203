"""What fifty people do all at once: orders, cancels, repeats, trespassing, reading, repairs. A process of its own, without Django.

``python -m benchmarks.operate.soak.load PLAN`` reads what to do from a JSON file and prints what happened as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc.aio
import httpx

from benchmarks.operate.soak import automatic, ending
from benchmarks.operate.soak.doors import Answer, Portal, Rest, Rpc
from benchmarks.operate.soak.watchers import Watching, sockets

#: How often each act happens, in all, a second. Together they leave two cores air.
RATES: Final = {
    "order": 2.0,
    "cancel": 0.5,
    "repeat": 0.2,
    "trespass": 0.3,
    "read": 2.0,
    "page": 0.2,
    "bars": 0.3,
    "repair": 0.1,
    "statement": 0.1,
    "reconcile": 0.05,
    "restock": 0.1,
    "metrics": 0.05,
}
MOST_FAULTS: Final = 50
FACTS_SECONDS: Final = 180.0
DEAREST: Final = 200.0
"""CNY: dearer shares would use the money up."""
MONTHS: Final = 20
"""Repairs ask for one of so many past months of a share."""
READS: Final = (
    "/asset?account={account}",
    "/positions?account={account}",
    "/orders?account={account}&limit=50",
    "/trades?account={account}&limit=50",
    "/quotes?symbols={symbol}",
    "/risk/limits/effective?account={account}",
    "/signals?account={account}",
    "/accounts",
    "/alerts",
)
STATEMENTS: Final = (
    "/accounts/{account}/statement?date={date}",
    "/accounts/{account}/ledger.csv",
    "/accounts/{account}/profit",
    "/accounts/{account}/owner-positions",
    "/accounts/{account}/statement.xlsx?date={date}",
)
PAGES: Final = ("/", "/accounts/", "/executions/", "/statements/", "/strategies/exits/", "/data/coverage/", "/risk/")
#: Refusals that are right at any time: the market's rules, our limits, an order that ended meanwhile.
EXPECTED: Final = frozenset({409, 422})
#: "Not now, nothing was changed": right on a machine that is far too busy, and counted.
HINDERED: Final = frozenset({503, 504})
ATTEMPTS: Final = 10

Said = TypeVar("Said", Answer, httpx.Response)


def status_of(answer: Answer | httpx.Response) -> int:
    """HTTP's status of either kind of answer."""
    return answer.status if isinstance(answer, Answer) else answer.status_code


class Load:
    """The people, what they know, and what came of it."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.cast = plan["cast"]
        self.people = self.cast["people"]
        self.traders = [person for person in self.people if person["all"]]
        self.chance = random.Random(plan["seed"])
        self.rest, self.rpc = Rest(plan["base"]), Rpc(plan["rpc_port"])
        self.base = plan["base"]
        self.portals: dict[str, Portal] = {}
        self.instruments: list[dict[str, Any]] = []
        self.quotes: dict[str, dict[str, Any]] = {}
        self.trade_date = ""
        self.accepted: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {}
        """By key: who placed it, its body, the order's id."""
        self.working: list[tuple[str, str, int]] = []
        """Orders that were placed to rest: id, who placed them, account."""
        self.acts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.trespasses: list[str] = []
        """Attempts that were not refused as they should have been."""
        self.faults: list[str] = []
        self.hindered = 0
        """How often something had to be asked again: a database that is waited for too long, a lost answer."""
        self.took: defaultdict[str, list[float]] = defaultdict(list)
        self.seen = Watching()
        self.number = 0

    def fault(self, words: str) -> None:
        """Note what should not have happened; of very many, the first ones."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(words)

    def judged(self, answer: httpx.Response, what: str) -> None:
        """An answer is right, the platform could not give it now, or it is a fault."""
        if answer.status_code in HINDERED:
            self.hindered += 1
        elif not answer.is_success:
            self.fault(f"{what}: {answer.status_code} {answer.text[:200]}")

    # ---------------------------------------------------------------------- facts
    async def begin(self) -> None:
        """Sign in to the portal and learn what can be traded."""
        admin, deadline = self.cast["admin"], time.monotonic() + FACTS_SECONDS
        while not {*automatic.PLANNED, automatic.GRIDDED} <= await self._learn(admin):
            if time.monotonic() > deadline:
                raise RuntimeError(f"no quotes of what is traded, only of {sorted(self.quotes)}")
            await asyncio.sleep(1)
        accounts = (await self.asked(admin, "GET", "/accounts")).json()["results"]
        self.trade_date = accounts[0]["market_clock"]["trade_date"]
        for person in self.people:
            if person["portal"]:
                self.portals[person["name"]] = portal = Portal(self.base)
                await portal.log_in(person["name"], self.cast["password"])
        await automatic.begin(self)

    async def _learn(self, admin: str) -> set[str]:
        """Instruments and quotes as far as the data worker has stored them by now; the symbols that have both."""
        found = (await self.asked(admin, "GET", "/instruments?limit=1000")).json()["results"]
        tradable = [
            row
            for row in found
            if row["kind"] in ("STOCK", "ETF", "CONVERTIBLE") and row["tradable"] and row["suspended"] is False
        ]
        self.instruments = tradable
        if tradable:
            await self.refresh()
        self.instruments = [row for row in tradable if row["symbol"] in self.quotes]
        return {row["symbol"] for row in self.instruments}

    async def refresh(self) -> None:
        """The latest quotes of what can be traded."""
        symbols = ",".join(row["symbol"] for row in self.instruments)
        answer = await self.asked(self.cast["admin"], "GET", f"/quotes?symbols={symbols}")
        self.quotes |= {row["symbol"]: row for row in answer.json()["results"]}

    # --------------------------------------------------------------------- orders
    def body(self, person: dict[str, Any], *, key: str = "soak") -> tuple[dict[str, Any], bool]:
        """An order this person may place, and whether it is meant to rest."""
        affordable = [row for row in self.instruments if 0 < self.quotes[row["symbol"]]["last"] < DEAREST]
        row = self.chance.choice(affordable)
        rests = self.chance.random() < 0.4
        sells = row["t_plus"] == 0 and self.chance.random() < 0.4
        account = self.chance.choice([*person["all"], *person["own"]])
        return self.wish(account, row, side="SELL" if sells else "BUY", rests=rests, key=key), rests

    def wish(
        self, account: int, row: dict[str, Any], *, side: str, rests: bool, lots: int = 0, key: str = "soak"
    ) -> Any:
        """An order's body: at the best opposite price, or 1.5% away from it."""
        quote = self.quotes[row["symbol"]]
        best = (quote["ask"] if side == "BUY" else quote["bid"]) or [0.0]
        price = best[0] or quote["last"]
        if rests:
            price *= 0.985 if side == "BUY" else 1.015
        tick = float(row["tick"])
        places = len(row["tick"].partition(".")[2].rstrip("0"))
        lots = lots or self.chance.randint(1, 5)
        self.number += 1
        return {
            "account": account,
            "symbol": row["symbol"],
            "side": side,
            "quantity": max(row["min_quantity"], row["quantity_step"] * lots),
            "price": f"{round(price / tick) * tick:.{places}f}",
            "client_order_id": f"{key}-{self.number}",
        }

    async def order(self) -> None:
        """Somebody places an order by one of the doors."""
        person = self.chance.choice(self.traders)
        body, rests = self.body(person)
        answer = await self.submit(person, body)
        if answer.order and answer.created and rests:
            self.working.append((answer.order, person["name"], body["account"]))

    async def submit(self, person: dict[str, Any], body: dict[str, Any]) -> Answer:
        """Place an order by a door of chance and note what came of it."""
        portal = self.portals.get(person["name"])
        if portal is not None and self.chance.random() < 0.5:
            door, answer = "portal", await self.patiently(lambda: portal.submit(body))
        elif self.chance.random() < 0.25:
            door, answer = "rpc", await self.patiently(lambda: self.rpc.submit(person["token"], body))
        else:
            door, answer = "rest", await self.patiently(lambda: self.rest.submit(person["token"], body))
        self.acts[f"order by {door}"] += 1
        if answer.status in (200, 201) and answer.order:
            self.took[door].append(answer.took_ms)
            self.accepted[body["client_order_id"]] = (person, body, answer.order)
        elif answer.status in EXPECTED:
            self.refused[answer.code] += 1
        else:
            self.fault(f"order by {door}: {answer.status} {answer.words}")
        return answer

    async def patiently(self, act: Callable[[], Awaitable[Said]]) -> Said:
        """Do as the documents tell a client: what the platform could not take up now, or whose answer was lost, is asked again."""
        for attempt in range(1, ATTEMPTS):
            try:
                answer = await act()
            except httpx.TransportError:
                pass
            else:
                if status_of(answer) not in HINDERED:
                    return answer
            self.hindered += 1
            await asyncio.sleep(attempt)
        return await act()

    async def asked(self, token: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request that has to be answered."""
        return await self.patiently(lambda: self.rest.call(token, method, path, **arguments))

    async def repeat(self) -> None:
        """The same key and body again, by any door: the same order."""
        if not self.accepted:
            return
        person, body, order = self.accepted[self.chance.choice(list(self.accepted))]
        door = self.chance.choice((self.rest, self.rpc))
        answer = await self.patiently(lambda: door.submit(person["token"], body))
        if answer.order != order or answer.created:
            self.fault(f"{body['client_order_id']} again by {door.name}: {answer}, it was {order}")

    async def cancel(self) -> None:
        """Somebody cancels an order of theirs that rests."""
        if not self.working:
            return
        order, name, _account = self.working.pop(self.chance.randrange(len(self.working)))
        person = next(person for person in self.people if person["name"] == name)
        answer = await self.patiently(lambda: self.rest.cancel(person["token"], order))
        if answer.status in EXPECTED:
            self.refused[answer.code] += 1
        elif answer.status != httpx.codes.OK:
            self.fault(f"cancel: {answer.status} {answer.words}")

    async def trespass(self) -> None:
        """Somebody tries what they may not: it must be refused, each time."""
        person = self.chance.choice(self.traders)
        theirs = {*person["all"], *person["own"], *person["views"]}
        stranger = self.chance.choice([row["id"] for row in self.cast["accounts"] if row["id"] not in theirs])
        body, _rests = self.body(person, key="trespass")
        how = self.chance.randrange(7)
        if how == 0:
            answer, right = await self.rest.submit(person["token"], body | {"account": stranger}), {404}
        elif how == 1:
            answer, right = await self.rest.submit(person["token"], body | {"account": person["views"][0]}), {403}
        elif how == 2:
            answer, right = await self.rest.submit(person["reader"], body), {403}
        elif how == 3:
            answer, right = await self.rest.submit("desk_" + person["token"][:4:-1], body), {401}
        elif how == 4:
            answer, right = await self.rpc.submit(person["token"], body | {"account": stranger}), {404}
        elif how == 5:
            answer, right = await self.rpc.submit(person["reader"], body), {403}
        else:
            foreign = [order for order, _name, account in self.working if account not in theirs]
            if not foreign:
                return
            answer, right = await self.rest.cancel(person["token"], foreign[0]), {404}
        self.acts["trespass tried"] += 1
        if answer.status in HINDERED:
            # Refused before anybody looked at the right: nothing was let in, and nothing proven.
            self.hindered += 1
        elif answer.status not in right:
            self.trespasses.append(f"attempt {how} of {person['name']}: {answer}")

    # ------------------------------------------------------------------ the others
    async def read(self) -> None:
        """Somebody looks at something of theirs."""
        await self._get(self.chance.choice(READS))

    async def statement(self) -> None:
        """Somebody reads the books."""
        await self._get(self.chance.choice(STATEMENTS))

    async def _get(self, path: str) -> None:
        person = self.chance.choice(self.people)
        account = self.chance.choice([*person["all"], *person["own"], *person["views"]])
        path = path.format(account=account, symbol=self._symbol(), date=self.trade_date)
        began = time.perf_counter()
        answer = await self.rest.call(person["token"], "GET", path)
        self.took["read"].append((time.perf_counter() - began) * 1000)
        self.judged(answer, f"GET {path}")

    def _symbol(self) -> str:
        return str(self.chance.choice(self.instruments)["symbol"])

    async def page(self) -> None:
        """Somebody opens a page of the portal."""
        path = self.chance.choice(PAGES)
        self.judged(await self.chance.choice(list(self.portals.values())).page(path), f"page {path}")

    async def bars(self) -> None:
        """Bars of the last year by day, and indicators: stored after the first time."""
        year = int(self.trade_date[:4])
        await self._bars(f"period=1d&start={year - 1}-09-01&end={year}-09-01")

    async def repair(self) -> None:
        """A month of minutes of some share, most likely one that nobody has asked for."""
        month = int(self.trade_date[:4]) * 12 + int(self.trade_date[5:7]) - 2 - self.chance.randrange(MONTHS)
        year, month = divmod(month, 12)
        await self._bars(f"period=1m&start={year}-{month + 1:02d}-01&end={year}-{month + 1:02d}-28&wait=0")

    async def _bars(self, query: str) -> None:
        person = self.chance.choice(self.people)
        path = f"/bars?symbols={self._symbol()}&{query}&format=arrow"
        answer = await self.rest.call(person["token"], "GET", path)
        self.acts[f"bars answered {answer.status_code}"] += 1
        self.judged(answer, f"GET {path}")

    async def reconcile(self) -> None:
        """Somebody asks for a comparison with the broker now."""
        person = self.chance.choice(self.traders)
        path = f"/accounts/{person['all'][0]}/reconciliation"
        answer = await self.rest.call(person["token"], "POST", path)
        self.judged(answer, f"POST {path}")

    async def restock(self) -> None:
        """Buy what exit plans and grids have sold."""
        await automatic.restock(self)

    async def metrics(self) -> None:
        """Prometheus comes by."""
        answer = await self.rest.client.get(
            f"{self.base}/metrics", headers={"Authorization": f"Bearer {self.cast['admin']}"}
        )
        self.judged(answer, "/metrics")

    # -------------------------------------------------------------------- the run
    async def run(self, seconds: float) -> None:
        """Everything at once for so long: each kind of act on a clock of its own, each act a task of its own."""
        until = time.monotonic() + seconds
        running: set[asyncio.Task[None]] = set()

        async def again(name: str, act: Callable[[], Awaitable[None]], rate: float) -> None:
            while (left := until - time.monotonic()) > 0:
                await asyncio.sleep(min(left, self.chance.expovariate(rate)))
                task = asyncio.create_task(self._one(name, act))
                running.add(task)
                task.add_done_callback(running.discard)

        async def quotes() -> None:
            while time.monotonic() < until:
                await self._one("quotes", self.refresh)
                await asyncio.sleep(3)

        await asyncio.gather(quotes(), *(again(name, getattr(self, name), rate) for name, rate in RATES.items()))
        await asyncio.gather(*running)

    async def _one(self, name: str, act: Callable[[], Awaitable[None]]) -> None:
        self.acts[name] += 1
        try:
            await act()
        except (httpx.HTTPError, grpc.aio.AioRpcError, RuntimeError, OSError) as error:
            self.fault(f"{name}: {error!r}")

    def result(self, rest: Any) -> dict[str, Any]:
        """What happened, for the proof."""
        return {
            "acts": dict(self.acts),
            "refused": dict(self.refused),
            "trespasses": self.trespasses,
            "hindered": self.hindered + self.seen.frames["stale"],
            "faults": self.faults + self.seen.faults[:MOST_FAULTS],
            "took": self.took,
            "accepted": {key: order for key, (_person, _body, order) in self.accepted.items()},
            "arrivals": self.seen.arrivals,
            "frames": dict(self.seen.frames),
            "connections": self.seen.connections,
            "rest": rest,
        }


async def soak(plan: dict[str, Any]) -> dict[str, Any]:
    """Work for as long as the plan says, bring everything to rest, and read the books over REST."""
    load = Load(plan)
    try:
        await load.begin()
        symbols = [row["symbol"] for row in load.instruments]
        async with sockets(f"{plan['base'].replace('http', 'ws', 1)}/ws/v1", load.people, symbols, load.seen):
            await load.run(plan["seconds"])
            print("… everything comes to rest", file=sys.stderr, flush=True)
            rest = await ending.at_rest(load)
        return load.result(rest)
    finally:
        for portal in load.portals.values():
            await portal.close()
        await load.rpc.close()
        await load.rest.close()


def main() -> None:
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    result = asyncio.run(soak(plan))
    Path(plan["result"]).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
