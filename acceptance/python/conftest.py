import time

import pytest
from e2b import AsyncSandbox, Sandbox
from templating import Async, Blocking, Builder, Names


@pytest.fixture(scope="module")
def sandbox():
    made = Sandbox.create(timeout=300)
    yield made
    made.kill()


@pytest.fixture
def create():
    made = []

    def make(*args, **kwargs):
        made.append(Sandbox.create(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
async def async_sandbox():
    made = await AsyncSandbox.create(timeout=300)
    yield made
    await made.kill()


@pytest.fixture
def eventually():
    def wait(name, condition, limit=10.0):
        end = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < end, f"not within {limit} s: {name}"
            time.sleep(0.05)

    return wait


@pytest.fixture(params=[Blocking, Async])
def builder(request):
    made = Builder(request.param())
    yield made
    made.close()


@pytest.fixture
def fresh():
    names = Names()
    yield names
    names.close()
