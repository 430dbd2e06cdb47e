"""Templates from images of a registry that asks for a password. Called by acceptance/registries after its images."""

import os

import pytest
from e2b import AsyncSandbox, AsyncTemplate, Sandbox, Template

REGISTRY = os.environ["SANDLOT_TEST_REGISTRY"]
PASSWORD = os.environ["SANDLOT_TEST_REGISTRY_PASSWORD"]
IMAGE = f"{REGISTRY}/{os.environ['SANDLOT_TEST_REGISTRY_TEAM']}/tool:right"
SIZE = {"cpu_count": 1, "memory_mb": 256}
READ = "cat /srv/of-image; id -un"


def test_credentials(fresh):
    name = fresh("right")
    template = Template().from_image(IMAGE, username="tester", password=PASSWORD)
    Template.build(template, name, skip_cache=True, **SIZE)
    with Sandbox.create(name) as sandbox:
        assert sandbox.commands.run(READ).stdout == "contentuser\n"


async def test_credentials_async(fresh):
    name = fresh("async")
    template = AsyncTemplate().from_image(IMAGE, username="tester", password=PASSWORD)
    await AsyncTemplate.build(template, name, skip_cache=True, **SIZE)
    async with await AsyncSandbox.create(name) as sandbox:
        assert (await sandbox.commands.run(READ)).stdout == "contentuser\n"


@pytest.mark.parametrize("login", [{}, {"username": "tester", "password": "wrong"}])
async def test_wrong_and_missing_credentials(login, fresh):
    with pytest.raises(Exception, match="access denied to the image .*/tool:right"):
        template = Template().from_image(IMAGE, **login)
        Template.build(template, fresh("wrong"), skip_cache=True, **SIZE)
    with pytest.raises(Exception, match="access denied to the image .*/tool:right"):
        template = AsyncTemplate().from_image(IMAGE, **login)
        await AsyncTemplate.build(template, fresh("wrong"), skip_cache=True, **SIZE)


async def test_keys_of_aws_are_for_their_region(fresh):
    image = "123456789012.dkr.ecr.eu-central-1.example.test/x:1"
    keys = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "none", "region": "us-east-1"}
    with pytest.raises(Exception, match="is in the region eu-central-1 and not in us-east-1"):
        Template.build(Template().from_aws_registry(image, **keys), fresh("aws"), **SIZE)
    with pytest.raises(Exception, match="is in the region eu-central-1 and not in us-east-1"):
        template = AsyncTemplate().from_aws_registry(image, **keys)
        await AsyncTemplate.build(template, fresh("aws"), **SIZE)


def test_a_service_account_must_be_one(fresh):
    template = Template().from_gcp_registry(IMAGE, service_account_json={"client_email": "a@b.test"})
    with pytest.raises(Exception, match="the service account cannot be used: it has no token_uri"):
        Template.build(template, fresh("gcp"), skip_cache=True, **SIZE)
