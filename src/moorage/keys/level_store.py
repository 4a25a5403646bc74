"""The table of the levels of rate limits: the tokens that each account has left in all processes together."""

from collections.abc import Mapping

import sqlalchemy as sa

from moorage.storage import Transaction

# Microseconds. The clocks of processes differ by less. The time of a level may lie ahead of a process by this much:
# then another process has added already what has come, and this one adds nothing. A time further ahead was noted before
# the clock was put back, and counts for nothing.
CLOCKS_DIFFER = 2_000_000

rate_levels = sa.Table(
    "rate_levels",
    sa.MetaData(),
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("level", sa.Double),
    sa.Column("counted_at", sa.BigInteger),
)


# The statement is built once, as building it takes longer than the database needs for it. What was spent is one JSON
# object, which both kinds of databases read as rows, so that one statement settles all accounts.
_now, _burst = sa.bindparam("now", type_=sa.BigInteger), sa.bindparam("burst", type_=sa.Double)
_spent = sa.func.json_each(sa.bindparam("spent", type_=sa.JSON)).table_valued("key", "value", name="spent")
_counted_at = rate_levels.c.counted_at
_passed = sa.case((_counted_at < _now, _now - _counted_at), else_=0)
_filled = rate_levels.c.level + _passed * sa.bindparam("rate", type_=sa.Double)
_is_ahead = (_counted_at > _now) & (_counted_at <= sa.bindparam("most_ahead", type_=sa.BigInteger))
_count = sa.cast(
    sa.cast(_spent.c.value, sa.Text), sa.Integer
)  # PostgreSQL makes numbers of text, and not of JSON.
_settlement = (
    rate_levels.update()
    .where(rate_levels.c.account_id == _spent.c.key)
    .values(
        level=sa.case((_filled < _burst, _filled), else_=_burst) - _count,
        counted_at=sa.case((_is_ahead, _counted_at), else_=_now),
    )
    .returning(rate_levels.c.account_id, rate_levels.c.level)
)


async def settle(tx: Transaction, spent: Mapping[str, int], rate: float, burst: float) -> dict[str, float]:
    """Add to the levels of these accounts what has come since, and take what was spent. Returns the new levels.

    `rate` is in tokens per second. No level rises above `burst`; an account that has no level yet begins with that.
    """
    times = {"now": tx.now, "most_ahead": tx.now + CLOCKS_DIFFER}
    values = {**times, "rate": rate / 1_000_000, "burst": burst, "spent": dict(spent)}
    levels = {row.account_id: row.level for row in await tx.connection.execute(_settlement, values)}
    new = {account_id: burst - count for account_id, count in spent.items() if account_id not in levels}
    if new:
        # No other process adds them meanwhile, because transactions are serial.
        rows = [{"account_id": key, "level": level, "counted_at": tx.now} for key, level in new.items()]
        await tx.connection.execute(rate_levels.insert(), rows)
    return levels | new
