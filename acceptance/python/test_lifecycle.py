import asyncio
import time

import pytest
from e2b import AuthenticationException, NotFoundException, Sandbox, SandboxQuery, SandboxState, TimeoutException


def test_create_keeps_metadata_envs_and_timeout(create):
    sandbox = create(timeout=120, metadata={"purpose": "a b&c=d", "ü": "ß"}, envs={"GREETING": "hello there"})
    info = sandbox.get_info()
    assert info.metadata == {"purpose": "a b&c=d", "ü": "ß"}
    assert info.state == SandboxState.RUNNING
    assert 100 < (info.end_at - info.started_at).total_seconds() <= 121
    assert sandbox.commands.run("echo $GREETING").stdout == "hello there\n"


def test_list_finds_by_metadata(create):
    mark = f"py{time.time_ns()}"
    made = create(metadata={"mark": mark, "odd": "x=y & z%20"})
    found = Sandbox.list(query=SandboxQuery(metadata={"mark": mark, "odd": "x=y & z%20"})).next_items()
    assert [f.sandbox_id for f in found] == [made.sandbox_id]


def test_timeout_and_expiry(create, eventually):
    sandbox = create(timeout=60)
    sandbox.set_timeout(2)
    eventually("expired", lambda: not sandbox.is_running(), 5)
    with pytest.raises(NotFoundException):
        Sandbox.get_info(sandbox.sandbox_id)


def test_kill_ends_it_once(create):
    sandbox = create()
    assert sandbox.kill() is True
    assert sandbox.kill() is False
    assert sandbox.is_running() is False


def test_kill_cuts_a_running_command(create):
    sandbox = create()
    handle = sandbox.commands.run("sleep 60", background=True)
    sandbox.kill()
    with pytest.raises(TimeoutException, match="end of life|timed out|timeout"):
        handle.wait()
    assert sandbox.is_running() is False


async def test_async_kill_cuts_a_command_and_a_watch(async_sandbox):
    handle = await async_sandbox.commands.run("sleep 60", background=True)
    left = asyncio.get_running_loop().create_future()
    await async_sandbox.files.watch_dir("/tmp", lambda event: None, on_exit=left.set_result, timeout=0)
    await async_sandbox.kill()
    with pytest.raises(TimeoutException):
        await handle.wait()
    assert isinstance(await asyncio.wait_for(left, 10), Exception)


def test_connect_attaches(create):
    sandbox = create(timeout=300)
    again = Sandbox.connect(sandbox.sandbox_id, timeout=5)
    assert again.commands.run("echo hi").stdout == "hi\n"
    assert (again.get_info().end_at - again.get_info().started_at).total_seconds() > 250


def test_wrong_key_is_an_authentication_error():
    with pytest.raises(AuthenticationException):
        Sandbox.create(api_key="e2b_" + "0" * 40)


def test_unknown_template_is_404():
    with pytest.raises(Exception, match="404|not found"):
        Sandbox.create("no-such-template")
