"""Which batches the journal still needs, over a long life."""

from random import Random

from shardnode.storage.touches import Touches


def test_a_store_that_is_never_saved_does_not_make_the_notes_of_others_pile_up() -> None:
    """A damaged file keeps the journal from being cut; what memory holds of stores that are saved stays small."""
    touches = Touches()
    touches.add(1, {"damaged": 1})
    for batch in range(2, 5_002):
        touches.add(batch, {"busy": batch})
        touches.forget({"busy": batch})
        assert touches.cut(batch) is None
    assert touches.stores(10) == ["damaged"]
    assert len(touches._first) < 100


def test_what_is_cut_is_what_nobody_needs() -> None:
    """Whatever is touched and saved in whatever order, the cut ends before the first record that a file lacks."""
    random = Random(5)
    touches = Touches()
    lacking: dict[str, list[int]] = {}
    for batch in range(1, 2_000):
        store = f"s{random.randrange(40)}"
        touches.add(batch, {store: batch})
        lacking.setdefault(store, []).append(batch)
        saved = random.choice(sorted(lacking))
        durable = random.choice(lacking[saved])
        touches.forget({saved: durable})
        lacking[saved] = [position for position in lacking[saved] if position > durable]
        if not lacking[saved]:
            del lacking[saved]
        first = min((positions[0] for positions in lacking.values()), default=batch + 1)
        cut = touches.cut(batch)
        assert cut is None or cut < first
        assert not touches._batches or touches._batches[0] == first
