import select
import time
from pathlib import Path

import pytest

from beam_kie.imaging.limits import DecodeLimits
from beam_kie.ocr import Engine, OcrOptions
from transforms.stages.children import pool as pools
from transforms.stages.children.child import Budget, Child
from transforms.stages.children.messages import ReaderSettings

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
MEMORY = 250 * 1024 * 1024
SETTINGS = ReaderSettings(ocr=OcrOptions(engine=Engine.NONE), limits=DecodeLimits(), memory_bytes=MEMORY)


def test_users_share_a_pool_and_its_children_end_with_the_last_of_them():
    first, second = (pools.acquire(SETTINGS, Budget(20, MEMORY), 2) for _ in range(2))
    assert first is second
    child = first.lend()
    other = first.try_lend()
    assert other is not None and other.pid != child.pid
    assert first.try_lend() is None, "there are two"
    first.give_back(other)
    first.give_back(child)
    pools.release(first)
    assert child.is_alive
    pools.release(second)
    assert not child.is_alive and not other.is_alive
    third = pools.acquire(SETTINGS, Budget(20, MEMORY), 2)
    assert third is not first
    pools.release(third)


def test_a_child_loads_its_models_before_anybody_asks_for_it():
    child = Child(SETTINGS)
    try:
        answered, _, _ = select.select([child._socket], [], [], 60)
        assert answered
        child.wait_until_ready()
        child.wait_until_ready()
    finally:
        child.kill()


def test_child_that_ended_while_idle_is_replaced():
    pool = pools.acquire(SETTINGS, Budget(20, MEMORY), 1)
    try:
        child = pool.lend()
        pool.give_back(child)
        child.end()
        while child.is_alive:
            time.sleep(0.01)
        again = pool.lend()
        assert again.is_alive and again.pid != child.pid
        pool.give_back(again)
    finally:
        pools.release(pool)


def test_the_first_child_is_started_ahead_and_the_others_when_they_are_asked_for():
    arguments = (SETTINGS, Budget(20, MEMORY), 2)
    pool = pools.acquire(*arguments)
    try:
        (early,) = pool._idle
        assert pools.acquire(*arguments) is pool
        assert pool._idle == [early]
        assert pool.lend() is early
        other = pool.lend()
        assert other is not early
        for child in (early, other):
            pool.give_back(child)
        pools.release(pool)
        assert early.is_alive
    finally:
        pools.release(pool)
    assert not early.is_alive


def test_no_child_is_started_for_users_who_may_never_ask():
    pool = pools.acquire(SETTINGS, Budget(20, MEMORY), 2, is_in_use=False)
    try:
        assert not pool._idle
    finally:
        pools.release(pool)
