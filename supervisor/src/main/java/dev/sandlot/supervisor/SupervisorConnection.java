package dev.sandlot.supervisor;

import dev.sandlot.linux.EventLoop;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.UnixSocket;
import dev.sandlot.linux.UnixSocket.Credentials;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ProtocolException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client of one supervisor over its socket.
 *
 * <p>Requests may come from any thread, several at a time; each waits for its own answer and holds no carrier while
 * it does. All reading happens on the thread of the {@link EventLoop}, which many connections share: answers and
 * exits are handled there in the order they come, and so are {@link #onClose} actions. An exit may therefore be told
 * before {@link #spawn} has returned to its caller.
 */
public final class SupervisorConnection implements Supervisor {
    private static final Logger LOG = LoggerFactory.getLogger(SupervisorConnection.class);
    private static final int RECEIVE_BYTES = 64 * 1024;
    private static final long MAX_QUEUED_BYTES = 4L * Wire.MAX_PAYLOAD_BYTES;
    private static final ThreadLocal<ByteBuffer> RECEIVE_BUFFER =
            ThreadLocal.withInitial(() -> ByteBuffer.allocateDirect(RECEIVE_BYTES));

    private final EventLoop loop;
    private final UnixSocket socket;
    private final ExitListener exits;
    private final Duration timeout;
    private final EventLoop.Registration registration;
    private final FrameReader reader = new FrameReader(this::received);
    private final Map<Long, CompletableFuture<Answer>> waiting = new ConcurrentHashMap<>();
    private final AtomicLong lastNumber = new AtomicLong();
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    private final CompletableFuture<Integer> hostPid = new CompletableFuture<>();

    private final ReentrantLock sending = new ReentrantLock();
    /** Guarded by {@link #sending}, as is {@link #queuedBytes}. */
    private final Deque<ByteBuffer> queue = new ArrayDeque<>();

    private long queuedBytes;
    /** Written under {@link #sending}. */
    private volatile boolean open = true;
    /** Of the loop's thread alone. */
    private Optional<Credentials> lastSender = Optional.empty();

    private SupervisorConnection(EventLoop loop, UnixSocket socket, ExitListener exits, Duration timeout)
            throws IOException {
        this.loop = loop;
        this.socket = socket;
        this.exits = exits;
        this.timeout = timeout;
        this.registration = loop.register(socket.fd(), 0, (_, events) -> ready(events));
    }

    /**
     * Connects and waits for the supervisor's greeting. The socket may be one that the supervisor has not taken over
     * yet: the connection then waits there.
     *
     * @param exits told of every process that ends from now on; see {@link #list} for those before
     * @param timeout for the greeting, and later for each answer
     */
    public static SupervisorConnection connect(EventLoop loop, Path path, ExitListener exits, Duration timeout)
            throws IOException {
        return greeted(loop, UnixSocket.connect(path), exits, timeout);
    }

    /** As {@link #connect} over a connected socket, which becomes the connection's own. */
    public static SupervisorConnection over(EventLoop loop, Fd connected, ExitListener exits, Duration timeout)
            throws IOException {
        UnixSocket socket = UnixSocket.own(connected);
        try {
            socket.passCredentials();
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        return greeted(loop, socket, exits, timeout);
    }

    private static SupervisorConnection greeted(EventLoop loop, UnixSocket socket, ExitListener exits, Duration timeout)
            throws IOException {
        SupervisorConnection connection;
        try {
            connection = new SupervisorConnection(loop, socket, exits, timeout);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        try {
            connection.registration.interest(EventLoop.READ);
            connection.await(connection.hostPid, "greeting");
            return connection;
        } catch (IOException e) {
            connection.close();
            throw e;
        }
    }

    /** The supervisor's process number as this process sees it, vouched for by the kernel. */
    public int hostPid() {
        return hostPid.join();
    }

    /**
     * Moves the supervisor into a cgroup namespace of its own and takes {@code CAP_SYS_ADMIN} from it for good.
     * Processes started before keep what they have. Once done, asking again changes nothing.
     *
     * @throws LinuxException {@code EPERM} when the supervisor never had the capability
     */
    public void contain() throws IOException {
        done(request(Wire.CONTAIN), "contain", "");
    }

    /** Returns when the supervisor answers. */
    public void ping() throws IOException {
        done(request(Wire.PING), "ping", "");
    }

    @Override
    public Spawned spawn(SpawnRequest request) throws SpawnException, IOException {
        Answer answer = request(Wire.SPAWN, Wire.spawn(request));
        if (answer.isFailure()) {
            throw new SpawnException(step(answer.step()), answer.error());
        }
        return new Spawned(answer.body().getInt(0), ends(answer));
    }

    @Override
    public void signal(int pid, int signal) throws IOException {
        done(request(Wire.SIGNAL, Wire.ints(pid, signal)), "signal", "process " + pid);
    }

    @Override
    public List<Child> list() throws IOException {
        return Wire.children(done(request(Wire.LIST), "list", "").body());
    }

    @Override
    public Ends attach(int pid) throws IOException {
        return ends(done(request(Wire.ATTACH, Wire.ints(pid)), "attach", "process " + pid));
    }

    @Override
    public void closeInput(int pid) throws IOException {
        done(request(Wire.CLOSE_INPUT, Wire.ints(pid)), "closeInput", "process " + pid);
    }

    /** @throws LinuxException {@code ESRCH} when it is not known, {@code EBUSY} when it has not ended */
    @Override
    public void release(int pid) throws IOException {
        done(request(Wire.RELEASE, Wire.ints(pid)), "release", "process " + pid);
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void onClose(Runnable action) {
        CompletableFuture<Void> _ = closed.thenRun(() -> {
            try {
                action.run();
            } catch (RuntimeException e) {
                LOG.error("action at the end of a supervisor's connection failed", e);
            }
        });
    }

    @Override
    public void close() {
        loop.execute(() -> end(new EOFException("connection to the supervisor was closed")));
    }

    private Answer request(int type, byte... payload) throws IOException {
        long number = lastNumber.incrementAndGet();
        CompletableFuture<Answer> answer = new CompletableFuture<>();
        waiting.put(number, answer);
        try {
            send(Wire.frame(type, number, payload));
            return await(answer, "answer");
        } catch (IOException e) {
            CompletableFuture<Void> _ = answer.thenAccept(Answer::close);
            throw e;
        } finally {
            waiting.remove(number);
        }
    }

    private <T> T await(CompletableFuture<T> future, String what) throws IOException {
        try {
            return future.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw withCause(new SocketTimeoutException("no " + what + " from the supervisor in " + timeout), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw withCause(new InterruptedIOException("interrupted waiting for the supervisor"), e);
        } catch (ExecutionException e) {
            throw new IOException("lost the supervisor", e.getCause());
        }
    }

    private static IOException withCause(IOException e, Exception cause) {
        e.initCause(cause);
        return e;
    }

    private void send(ByteBuffer frame) throws IOException {
        sending.lock();
        try {
            if (!open) {
                throw new EOFException("connection to the supervisor is closed");
            }
            if (queuedBytes + frame.remaining() > MAX_QUEUED_BYTES) {
                throw new IOException("the supervisor does not take its requests");
            }
            queue.add(frame);
            queuedBytes += frame.remaining();
            if (queue.size() == 1) {
                flush();
            }
        } finally {
            sending.unlock();
        }
    }

    private void flush() throws IOException {
        sending.lock();
        try {
            while (!queue.isEmpty()) {
                int sent = socket.send(queue.element(), List.of());
                if (sent == Io.WOULD_BLOCK) {
                    break;
                }
                queuedBytes -= sent;
                if (!queue.element().hasRemaining()) {
                    queue.remove();
                }
            }
            registration.interest(queue.isEmpty() ? EventLoop.READ : EventLoop.READ | EventLoop.WRITE);
        } finally {
            sending.unlock();
        }
    }

    private void ready(int events) {
        try {
            if ((events & EventLoop.WRITE) != 0) {
                flush();
            }
            if ((events & ~EventLoop.WRITE) != 0) {
                receive();
            }
        } catch (IOException | RuntimeException e) {
            end(e);
        }
    }

    private void receive() throws IOException {
        ByteBuffer buffer = RECEIVE_BUFFER.get().clear();
        UnixSocket.Received received = socket.receive(buffer);
        if (received.count() == Io.END) {
            throw new EOFException("the supervisor has ended");
        }
        if (received.count() != Io.WOULD_BLOCK) {
            lastSender = received.sender();
            reader.add(buffer.flip(), received.descriptors());
        }
    }

    private void received(int type, long number, ByteBuffer payload) throws IOException {
        switch (type) {
            case Wire.HELLO -> greet(payload);
            case Wire.REPLY -> answered(number, payload);
            case Wire.EXITED -> exited(payload.getInt(), payload.getInt());
            default -> throw new ProtocolException("a frame of type " + type);
        }
    }

    private void greet(ByteBuffer payload) throws IOException {
        int version = payload.getInt();
        if (version != Wire.VERSION) {
            throw new ProtocolException("the supervisor speaks version " + version + ", not " + Wire.VERSION);
        }
        Credentials sender =
                lastSender.orElseThrow(() -> new ProtocolException("the greeting does not tell its sender"));
        hostPid.complete(sender.pid());
    }

    private void answered(long number, ByteBuffer payload) throws IOException {
        int error = payload.getInt();
        int step = payload.getInt();
        ByteBuffer body = payload.slice().order(payload.order());
        CompletableFuture<Answer> answer = waiting.remove(number);
        boolean handsOut = error == 0 && body.remaining() == 2 * Integer.BYTES;
        List<Fd> descriptors = handsOut ? reader.takeDescriptors(Integer.bitCount(body.getInt(4))) : List.of();
        Answer complete = new Answer(error, step, body, descriptors);
        if (answer == null) {
            complete.close();
        } else {
            answer.complete(complete);
        }
    }

    private void exited(int pid, int rawStatus) {
        try {
            exits.exited(pid, rawStatus);
        } catch (RuntimeException e) {
            LOG.error("listener failed at the end of process {}", pid, e);
        }
    }

    /** On the loop's thread, so that nobody reads from a number that is not ours any more. */
    private void end(Exception reason) {
        sending.lock();
        try {
            if (!open) {
                return;
            }
            open = false;
            registration.close();
            socket.close();
            reader.close();
            queue.clear();
            queuedBytes = 0;
            hostPid.completeExceptionally(reason);
        } finally {
            sending.unlock();
        }
        waiting.values().forEach(answer -> answer.completeExceptionally(reason));
        closed.complete(null);
    }

    private static Answer done(Answer answer, String call, String subject) throws LinuxException {
        if (answer.isFailure()) {
            throw new LinuxException(call, subject, answer.error());
        }
        return answer;
    }

    private static SpawnException.Step step(int number) throws IOException {
        SpawnException.Step[] steps = SpawnException.Step.values();
        if (number < 1 || number > steps.length) {
            throw new ProtocolException("an unknown step " + number);
        }
        return steps[number - 1];
    }

    private static Ends ends(Answer answer) throws IOException {
        int which = answer.body().getInt(4);
        if ((which & Wire.ENDS_OUTPUT) == 0) {
            answer.close();
            throw new ProtocolException("a process without output");
        }
        Deque<Fd> open = new ArrayDeque<>(answer.descriptors());
        Fd input = (which & Wire.ENDS_INPUT) != 0 ? open.remove() : null;
        Fd output = open.remove();
        return new Ends(input, output, (which & Wire.ENDS_ERRORS) != 0 ? open.remove() : null);
    }
}
