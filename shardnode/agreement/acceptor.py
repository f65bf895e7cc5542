"""The acceptor: one Paxos register a trade, in which at most one value can ever be chosen (rules 5 and 6).

It never looks at a value. Its two promises: once it has promised a ballot it accepts nothing smaller, and it tells of
what it accepted to whoever it promises more. "Paxos Made Simple", Lamport 2001, section 2.2, P1a.
"""

from shardnode.agreement.closed import ClosedSets
from shardnode.agreement.effects import Effects, OpenTrade
from shardnode.agreement.facts import register_key
from shardnode.agreement.messages import Accept, Accepted, Close, Closed, Nack, Promise, Propose, Register, TradeId
from shardnode.agreement.tables import RegisterState


class Acceptor:
    """This node's registers."""

    def __init__(self, closed: ClosedSets, since_epoch: int) -> None:
        self._closed = closed
        self._since_epoch = since_epoch
        self._registers: dict[TradeId, Register] = {}
        self._since_s: dict[TradeId, float] = {}

    def restore(self, register: Register, now_s: float) -> None:
        """Take back what was persisted."""
        self._registers[register.trade] = register
        self._since_s[register.trade] = now_s

    def propose(self, sender: str, message: Propose, now_s: float, effects: Effects) -> None:
        """Phase 1: promise the ballot if it is larger than every one promised."""
        trade, ballot = message.trade, message.ballot
        if not self._may_answer(sender, trade, effects):
            return
        register = self._registers.get(trade)
        accepted = value = None
        if register is not None:
            if ballot <= register.promised:
                effects.answer(sender, Nack(trade, ballot, register.promised))
                return
            accepted, value = register.accepted, register.value
        self._keep(Register(trade, ballot, accepted, value), now_s, effects)
        effects.answer(sender, Promise(trade, ballot, accepted, value))

    def accept(self, sender: str, message: Accept, now_s: float, effects: Effects) -> bool:
        """Phase 2: accept the value unless a larger ballot is promised. A ballot carries one value only.

        Returns whether it is accepted, with these effects or before.
        """
        trade, ballot, value = message.trade, message.ballot, message.value
        if not self._may_answer(sender, trade, effects):
            return False
        register = self._registers.get(trade)
        if register is not None:
            again = register.accepted == ballot
            assert not again or register.value == value, f"two values at one ballot: {trade} {ballot}"
            if ballot < register.promised:
                effects.answer(sender, Nack(trade, ballot, register.promised))
                return False
            if again:
                effects.answer(sender, Accepted(trade, ballot, message.last))
                return True
        self._keep(Register(trade, ballot, ballot, value), now_s, effects)
        effects.answer(sender, Accepted(trade, ballot, message.last))
        return True

    def close(self, message: Close, effects: Effects) -> None:
        """Delete the registers of trades that the closed set has now."""
        node, incarnation, closed = message.node, message.incarnation, self._closed
        over = [t for t in self._registers if t.incarnation == incarnation and t.node == node and closed.has(t)]
        for trade in over:
            del self._registers[trade], self._since_s[trade]
            effects.persist[register_key(trade)] = None

    def open_trades(self, now_s: float) -> list[OpenTrade]:
        """Those with a register."""
        return [
            OpenTrade(
                trade,
                "acceptor",
                (RegisterState.PROMISED if register.accepted is None else RegisterState.ACCEPTED).name,
                now_s - self._since_s[trade],
                None,
                (trade.node,),
            )
            for trade, register in self._registers.items()
        ]

    def _may_answer(self, sender: str, trade: TradeId, effects: Effects) -> bool:
        """Not for trades older than this acceptor's disk, of which it may have lost its promises: silence (rule 1)."""
        if trade.epoch < self._since_epoch:
            return False
        if self._closed.has(trade):
            effects.answer(sender, Closed(trade))
            return False
        return True

    def _keep(self, register: Register, now_s: float, effects: Effects) -> None:
        trade = register.trade
        self._registers[trade] = register
        self._since_s.setdefault(trade, now_s)
        effects.persist[register_key(trade)] = register
