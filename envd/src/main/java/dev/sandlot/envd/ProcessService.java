package dev.sandlot.envd;

import com.google.protobuf.ByteString;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.protocol.ConnectCall;
import dev.sandlot.protocol.ConnectCode;
import dev.sandlot.protocol.ConnectException;
import dev.sandlot.protocol.ConnectService;
import dev.sandlot.protocol.ConnectService.Requests;
import dev.sandlot.protocol.ConnectService.Responses;
import dev.sandlot.protocol.process.CloseStdinRequest;
import dev.sandlot.protocol.process.CloseStdinResponse;
import dev.sandlot.protocol.process.ConnectRequest;
import dev.sandlot.protocol.process.ConnectResponse;
import dev.sandlot.protocol.process.ListRequest;
import dev.sandlot.protocol.process.ListResponse;
import dev.sandlot.protocol.process.ProcessInput;
import dev.sandlot.protocol.process.SendInputRequest;
import dev.sandlot.protocol.process.SendInputResponse;
import dev.sandlot.protocol.process.SendSignalRequest;
import dev.sandlot.protocol.process.SendSignalResponse;
import dev.sandlot.protocol.process.Signal;
import dev.sandlot.protocol.process.StartRequest;
import dev.sandlot.protocol.process.StartResponse;
import dev.sandlot.protocol.process.StreamInputRequest;
import dev.sandlot.protocol.process.StreamInputResponse;
import dev.sandlot.protocol.process.UpdateRequest;
import dev.sandlot.protocol.process.UpdateResponse;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;

/** The process service of one sandbox (envd.md 7). Every call is answered on the thread that brings it. */
final class ProcessService {
    private static final String DURABLE = "Sandlot-Durable";
    private static final String REPLAY = "Sandlot-Replay";
    private static final String LOST = "Sandlot-Lost-Bytes";

    private final Processes processes;
    private final ActingUser actingUser;

    ProcessService(Processes processes, ActingUser actingUser) {
        this.processes = processes;
        this.actingUser = actingUser;
    }

    /** The methods as the router serves them. */
    ConnectService describe() {
        return new ConnectService("process.Process")
                .unary("List", ListRequest.getDefaultInstance(), (_, _) -> list())
                .serverStream("Connect", ConnectRequest.getDefaultInstance(), this::connect)
                .serverStream("Start", StartRequest.getDefaultInstance(), this::start)
                .unary("Update", UpdateRequest.getDefaultInstance(), (_, request) -> update(request))
                .input("StreamInput")
                .input("SendInput")
                .clientStream("StreamInput", StreamInputRequest.getDefaultInstance(), this::streamInput)
                .unary("SendInput", SendInputRequest.getDefaultInstance(), this::sendInput)
                .unary("SendSignal", SendSignalRequest.getDefaultInstance(), (_, request) -> sendSignal(request))
                .unary("CloseStdin", CloseStdinRequest.getDefaultInstance(), (_, request) -> closeStdin(request));
    }

    private ListResponse list() {
        ListResponse.Builder list = ListResponse.newBuilder();
        processes.table().all().forEach(process -> list.addProcesses(process.info()));
        return list.build();
    }

    private void start(ConnectCall call, StartRequest request, Responses out) throws ConnectException, IOException {
        Account user = actingUser.of(call.requestHeaders());
        Processes.Started started = processes.start(user, request, call.timeout(), asks(call, DURABLE));
        SandboxProcess process = started.process();
        try (Subscription subscription = started.subscription()) {
            new ProcessReader(
                            call,
                            subscription,
                            Long.MAX_VALUE,
                            process::expired,
                            out,
                            event -> StartResponse.newBuilder().setEvent(event).build())
                    .run(process.pid());
        }
    }

    private void connect(ConnectCall call, ConnectRequest request, Responses out) throws ConnectException, IOException {
        long begun = System.nanoTime();
        Optional<Duration> timeout = call.timeout();
        SandboxProcess process = processes.table().selectEvenEnded(request.getProcess());
        boolean replay = asks(call, REPLAY);
        try (Subscription subscription = process.subscribe(replay)) {
            if (replay) {
                call.responseHeaders().set(LOST, Long.toString(subscription.lostBytes()));
            }
            new ProcessReader(
                            call,
                            subscription,
                            timeout.isPresent() ? begun + timeout.get().toNanos() : Long.MAX_VALUE,
                            () -> false,
                            out,
                            event ->
                                    ConnectResponse.newBuilder().setEvent(event).build())
                    .run(process.pid());
        }
    }

    private static boolean asks(ConnectCall call, String field) {
        return call.requestHeaders().first(field).orElse("").equals("true");
    }

    private UpdateResponse update(UpdateRequest request) throws ConnectException {
        SandboxProcess process = processes.table().select(request.getProcess());
        if (request.hasPty()) {
            if (!process.terminal()) {
                throw internal("process " + process.pid() + " has no terminal to resize");
            }
            input(process)
                    .resize(
                            ProcessLauncher.side(request.getPty().getSize().getCols()),
                            ProcessLauncher.side(request.getPty().getSize().getRows()));
        }
        return UpdateResponse.getDefaultInstance();
    }

    private StreamInputResponse streamInput(ConnectCall call, Requests<StreamInputRequest> in)
            throws ConnectException, IOException {
        Optional<SandboxProcess> process = Optional.empty();
        for (Optional<StreamInputRequest> next = in.next(); next.isPresent(); next = in.next()) {
            StreamInputRequest request = next.get();
            switch (request.getEventCase()) {
                case START ->
                    process = Optional.of(
                            processes.table().select(request.getStart().getProcess()));
                case DATA ->
                    write(
                            call,
                            process.orElseThrow(() -> new ConnectException(
                                    ConnectCode.INVALID_ARGUMENT, "data was sent before the start event")),
                            request.getData().getInput());
                case KEEPALIVE -> {}
                case EVENT_NOT_SET ->
                    throw new ConnectException(ConnectCode.UNIMPLEMENTED, "stream input event is missing");
            }
        }
        return StreamInputResponse.getDefaultInstance();
    }

    private SendInputResponse sendInput(ConnectCall call, SendInputRequest request)
            throws ConnectException, IOException {
        write(call, processes.table().select(request.getProcess()), request.getInput());
        return SendInputResponse.getDefaultInstance();
    }

    private static void write(ConnectCall call, SandboxProcess process, ProcessInput data)
            throws ConnectException, IOException {
        switch (data.getInputCase()) {
            case STDIN -> write(call, process, data.getStdin(), false);
            case PTY -> write(call, process, data.getPty(), true);
            case INPUT_NOT_SET -> throw new ConnectException(ConnectCode.UNIMPLEMENTED, "process input is missing");
        }
    }

    private static void write(ConnectCall call, SandboxProcess process, ByteString bytes, boolean terminal)
            throws ConnectException, IOException {
        if (process.terminal() != terminal) {
            throw internal("process " + process.pid() + (terminal ? " has no terminal" : " is run in a terminal"));
        }
        input(process).write(call, bytes);
    }

    private SendSignalResponse sendSignal(SendSignalRequest request) throws ConnectException, IOException {
        SandboxProcess process = processes.table().select(request.getProcess());
        if (request.getSignal() != Signal.SIGNAL_SIGKILL && request.getSignal() != Signal.SIGNAL_SIGTERM) {
            throw new ConnectException(ConnectCode.UNIMPLEMENTED, "signal is not supported");
        }
        try {
            processes.signal(process, request.getSignal().getNumber());
        } catch (LinuxException e) {
            throw internal(
                    e.is(Errno.ESRCH)
                            ? "process " + process.pid() + " has already finished"
                            : "error sending signal: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while a process was killed");
        }
        return SendSignalResponse.getDefaultInstance();
    }

    private CloseStdinResponse closeStdin(CloseStdinRequest request) throws ConnectException {
        SandboxProcess process = processes.table().select(request.getProcess());
        if (process.terminal()) {
            throw new ConnectException(
                    ConnectCode.UNKNOWN, "stdin of a terminal cannot be closed: send byte 0x04 to it instead");
        }
        try {
            processes.closeInput(process);
        } catch (IOException e) {
            throw internal("error closing stdin: " + e.getMessage());
        }
        return CloseStdinResponse.getDefaultInstance();
    }

    private static InputPipe input(SandboxProcess process) throws ConnectException {
        return process.input().orElseThrow(() -> internal("stdin of process " + process.pid() + " is not open"));
    }

    private static ConnectException internal(String text) {
        return new ConnectException(ConnectCode.INTERNAL, text);
    }
}
