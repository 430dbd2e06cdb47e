import asyncio

import pytest
from e2b import FileNotFoundException, FilesystemEventType, InvalidArgumentException, SandboxException, TimeoutException


def told(events):
    return [(e.type.value, e.name) for e in events]


def test_a_fresh_write_is_three_events_at_once(sandbox):
    for round in range(20):
        directory = f"/home/user/w{round}"
        sandbox.files.make_dir(directory)
        handle = sandbox.files.watch_dir(directory)
        sandbox.files.write(f"{directory}/f.txt", "hello")
        events = handle.get_new_events()
        assert told(events) == [("create", "f.txt"), ("chmod", "f.txt"), ("write", "f.txt")]
        assert handle.get_new_events() == []
        handle.stop()
        with pytest.raises(SandboxException):
            handle.get_new_events()


def test_overwrite_rename_remove(sandbox):
    sandbox.files.write("/home/user/o/f", "one")
    handle = sandbox.files.watch_dir("/home/user/o")
    sandbox.files.write("/home/user/o/f", "two")
    assert ("write", "f") in told(handle.get_new_events())
    sandbox.files.rename("/home/user/o/f", "/home/user/o/g")
    assert told(handle.get_new_events()) == [("rename", "f"), ("create", "g")]
    sandbox.files.remove("/home/user/o/g")
    assert told(handle.get_new_events()) == [("remove", "g")]
    handle.stop()


def test_recursive_with_a_directory_added(sandbox):
    sandbox.files.make_dir("/home/user/r/sub")
    handle = sandbox.files.watch_dir("/home/user/r", recursive=True)
    sandbox.files.write("/home/user/r/sub/f", "x")
    assert ("write", "sub/f") in told(handle.get_new_events())
    sandbox.files.make_dir("/home/user/r/new/nested")
    sandbox.files.write("/home/user/r/new/nested/f", "x")
    seen = told(handle.get_new_events())
    assert ("create", "new") in seen
    assert ("write", "new/nested/f") in seen or ("create", "new/nested/f") in seen
    handle.stop()


def test_entries(sandbox):
    sandbox.files.make_dir("/home/user/e")
    handle = sandbox.files.watch_dir("/home/user/e", include_entry=True, allow_network_mounts=True)
    sandbox.files.write("/home/user/e/f", "hello")
    for event in handle.get_new_events():
        assert event.entry.path == "/home/user/e/f"
    sandbox.files.remove("/home/user/e/f")
    (removed,) = handle.get_new_events()
    assert removed.type == FilesystemEventType.REMOVE
    assert removed.entry is None
    handle.stop()


def test_what_cannot_be_watched(sandbox):
    with pytest.raises(FileNotFoundException):
        sandbox.files.watch_dir("/home/user/nothing")
    sandbox.files.write("plain", "x")
    with pytest.raises(InvalidArgumentException):
        sandbox.files.watch_dir("plain")


async def test_async_watch(async_sandbox):
    events, ended = asyncio.Queue(), asyncio.get_running_loop().create_future()
    await async_sandbox.files.make_dir("/home/user/a")
    handle = await async_sandbox.files.watch_dir(
        "/home/user/a", events.put, on_exit=lambda e: ended.set_result(e), recursive=True, timeout=2
    )
    await async_sandbox.files.write("/home/user/a/f", "x")
    seen = [await asyncio.wait_for(events.get(), 10) for _ in range(3)]
    assert told(seen) == [("create", "f"), ("chmod", "f"), ("write", "f")]
    assert isinstance(await asyncio.wait_for(ended, 10), TimeoutException)
    await handle.stop()
    with pytest.raises(FileNotFoundException):
        await async_sandbox.files.watch_dir("/home/user/nothing", events.put)
