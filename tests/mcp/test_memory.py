"""What tools remember between calls."""

from moorage.mcp.memory import LIFE, Memory


def test_a_value_is_forgotten_after_some_minutes():
    now = [100.0]
    memory = Memory(lambda: now[0])
    memory.keep("a", [1])
    assert memory.recall("a") == [1]
    assert memory.recall("b") is None
    now[0] += LIFE
    assert memory.recall("a") is None


def test_it_does_not_grow_without_end():
    memory = Memory()
    for number in range(1000):
        memory.keep(number, number)
    assert memory.recall(999) == 999
    assert memory.recall(0) is None
