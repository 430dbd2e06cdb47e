"""Templates from images of a registry that asks for a password. Called by acceptance/images after its images."""

import os
import time

import pytest
from e2b import AsyncSandbox, AsyncTemplate, Sandbox, Template

REGISTRY = os.environ["SANDLOT_TEST_REGISTRY"]
PASSWORD = os.environ["SANDLOT_TEST_REGISTRY_PASSWORD"]
IMAGE = f"{REGISTRY}/team/tool:right"
SIZE = {"cpu_count": 1, "memory_mb": 256}
READ = "cat /srv/of-image; id -un"


def fresh(name):
    return f"images-py-{name}-{time.time_ns():x}"


def test_credentials():
    name = fresh("right")
    template = Template().from_image(IMAGE, username="tester", password=PASSWORD)
    Template.build(template, name, skip_cache=True, **SIZE)
    with Sandbox.create(name) as sandbox:
        assert sandbox.commands.run(READ).stdout == "contentuser\n"


async def test_credentials_async():
    name = fresh("async")
    template = AsyncTemplate().from_image(IMAGE, username="tester", password=PASSWORD)
    await AsyncTemplate.build(template, name, skip_cache=True, **SIZE)
    async with await AsyncSandbox.create(name) as sandbox:
        assert (await sandbox.commands.run(READ)).stdout == "contentuser\n"


@pytest.mark.parametrize("login", [{}, {"username": "tester", "password": "wrong"}])
async def test_wrong_and_missing_credentials(login):
    with pytest.raises(Exception, match="access denied to the image .*team/tool:right"):
        template = Template().from_image(IMAGE, **login)
        Template.build(template, fresh("wrong"), skip_cache=True, **SIZE)
    with pytest.raises(Exception, match="access denied to the image .*team/tool:right"):
        template = AsyncTemplate().from_image(IMAGE, **login)
        await AsyncTemplate.build(template, fresh("wrong"), skip_cache=True, **SIZE)
