package dev.sandlot.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for many descriptors on one platform thread (epoll) and calls back on it when they are ready.
 *
 * <p>It tells of readiness as long as that lasts, not only when it begins: a callback that leaves bytes unread is
 * called again. Callbacks must not block. One that throws loses its registration, and the loop goes on.
 *
 * <p>Every method may be called from any thread. A {@link Registration} must be closed before its descriptor is:
 * the kernel watches the open file, which may live on in a duplicate.
 */
public final class EventLoop implements AutoCloseable {
    /** Ready to be read, or at its end. */
    public static final int READ = 0x1;

    /** Ready to be written. */
    public static final int WRITE = 0x4;

    /** The other side will send no more. */
    public static final int PEER_CLOSED = 0x2000;

    /** Failed; told whatever the interest is, unless that is none. */
    public static final int ERROR = 0x8;

    /** The other side is closed; told whatever the interest is, unless that is none. */
    public static final int HANG_UP = 0x10;

    private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);
    private static final int BATCH = 256;
    private static final int FOREVER = -1;
    private static final int ADD = 1;
    private static final int DELETE = 2;
    private static final int MODIFY = 3;
    private static final ValueLayout.OfLong DATA = ValueLayout.JAVA_LONG_UNALIGNED;
    /** {@code struct epoll_event} is packed on x86-64 alone. */
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");

    private static final long DATA_OFFSET = PACKED ? 4 : 8;
    private static final long EVENT_BYTES = DATA_OFFSET + 8;
    private static final long WAKE_ID = 0;

    private final Fd epoll;
    private final Fd wake;
    private final Thread thread;
    private final Map<Long, Registration> registrations = new ConcurrentHashMap<>();
    private final AtomicLong lastId = new AtomicLong(WAKE_ID);
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    /** Held while {@link #wake} is written or closed. */
    private final ReentrantLock wakeLock = new ReentrantLock();
    /** Of the loop's thread alone. */
    private boolean closing;

    /** Told that a descriptor is ready; {@code events} has the bits of this class. */
    @FunctionalInterface
    public interface Callback {
        void ready(Registration registration, int events) throws Exception;
    }

    private EventLoop(String name, Fd epoll, Fd wake) {
        this.epoll = epoll;
        this.wake = wake;
        this.thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    /** Starts a loop on a daemon thread of the given name. */
    public static EventLoop start(String name) throws IOException {
        Fd epoll = Syscall.EPOLL_CREATE1.open("", Open.CLOEXEC, 0, 0, 0);
        try {
            Fd wake = Syscall.EVENTFD2.open("", 0, Open.CLOEXEC | Open.NONBLOCK, 0, 0);
            EventLoop loop = new EventLoop(name, epoll, wake);
            loop.control(ADD, wake.number(), READ, WAKE_ID);
            loop.thread.start();
            return loop;
        } catch (IOException | RuntimeException e) {
            epoll.close();
            throw e;
        }
    }

    /**
     * Begins to watch a descriptor.
     *
     * @param interest {@link #READ}, {@link #WRITE}, both, or 0 for nothing yet
     */
    public Registration register(Fd fd, int interest, Callback callback) throws IOException {
        Registration registration = new Registration(lastId.incrementAndGet(), fd.number(), callback);
        registrations.put(registration.id, registration);
        try {
            registration.interest(interest);
            return registration;
        } catch (IOException | RuntimeException e) {
            registrations.remove(registration.id);
            throw e;
        }
    }

    /** Runs a task on the loop's thread, soon, in the order they were given; not once the loop is closed. */
    public void execute(Runnable task) {
        tasks.add(task);
        wakeLock.lock();
        try {
            if (wake.isOpen()) {
                wakeUp();
            }
        } finally {
            wakeLock.unlock();
        }
    }

    /** Whether the caller is on the loop's thread. */
    public boolean isOwnThread() {
        return Thread.currentThread().equals(thread);
    }

    /**
     * Ends the loop after the tasks given so far and waits for its thread, unless called on it. Descriptors stay open.
     */
    @Override
    public void close() {
        execute(() -> closing = true);
        boolean interrupted = false;
        while (!isOwnThread() && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A descriptor being watched. */
    public final class Registration implements AutoCloseable {
        private final long id;
        private final int fd;
        private final Callback callback;
        private final ReentrantLock lock = new ReentrantLock();
        /** Guarded by {@link #lock}, as is {@link #closed}. */
        private int interest;

        private boolean closed;

        private Registration(long id, int fd, Callback callback) {
            this.id = id;
            this.fd = fd;
            this.callback = callback;
        }

        /** Changes what is waited for; 0 stops all callbacks, even of an end, until it is changed again. */
        public void interest(int wanted) throws IOException {
            lock.lock();
            try {
                if (closed || wanted == interest) {
                    return;
                }
                control(interest == 0 ? ADD : wanted == 0 ? DELETE : MODIFY, fd, wanted, id);
                interest = wanted;
            } finally {
                lock.unlock();
            }
        }

        /** What is waited for. */
        public int interest() {
            lock.lock();
            try {
                return interest;
            } finally {
                lock.unlock();
            }
        }

        /** Stops watching. A callback that runs on the loop's thread at this moment still ends. */
        @Override
        public void close() {
            lock.lock();
            try {
                if (!closed) {
                    interest(0);
                    closed = true;
                    registrations.remove(id);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } finally {
                lock.unlock();
            }
        }

        private void ready(int events) {
            try {
                callback.ready(this, events);
            } catch (Throwable t) {
                LOG.error("callback for descriptor {} failed, no longer watched", fd, t);
                close();
            }
        }
    }

    private void run() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment events = arena.allocate(EVENT_BYTES * BATCH, 8);
            while (!closing) {
                dispatch(events, Syscall.EPOLL_PWAIT.call("", epoll.number(), events.address(), BATCH, FOREVER));
            }
        } catch (IOException e) {
            LOG.error("event loop {} ended", thread.getName(), e);
        } finally {
            runTasks();
            epoll.close();
            closeWake();
        }
    }

    private void closeWake() {
        wakeLock.lock();
        try {
            wake.close();
        } finally {
            wakeLock.unlock();
        }
    }

    private void dispatch(MemorySegment events, long count) throws IOException {
        for (long i = 0; i < count; i++) {
            long id = events.get(DATA, i * EVENT_BYTES + DATA_OFFSET);
            if (id == WAKE_ID) {
                clearWake();
                runTasks();
                continue;
            }
            Registration registration = registrations.get(id);
            if (registration != null) {
                registration.ready(events.get(ValueLayout.JAVA_INT_UNALIGNED, i * EVENT_BYTES));
            }
        }
    }

    private void clearWake() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            long n = Syscall.READ.attempt(wake.number(), arena.allocate(8, 8).address(), 8);
            if (!Syscall.wouldBlock(n)) {
                Syscall.READ.check("eventfd", n);
            }
        }
    }

    private void runTasks() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            try {
                task.run();
            } catch (Throwable t) {
                LOG.error("task of event loop failed", t);
            }
        }
    }

    private void wakeUp() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1L);
            long n = Syscall.WRITE.attempt(wake.number(), one.address(), 8);
            if (!Syscall.wouldBlock(n)) {
                Syscall.WRITE.check("eventfd", n);
            }
        } catch (LinuxException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void control(int operation, int fd, int interest, long id) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_BYTES, 8);
            event.set(ValueLayout.JAVA_INT_UNALIGNED, 0, interest);
            event.set(DATA, DATA_OFFSET, id);
            Syscall.EPOLL_CTL.call("fd " + fd, epoll.number(), operation, fd, event.address());
        }
    }
}
