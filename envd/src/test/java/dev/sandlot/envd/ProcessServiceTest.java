package dev.sandlot.envd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.MemoryExchange;
import dev.sandlot.protocol.process.ProcessEvent;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The process service over a real supervisor (envd.md 7 and P13 to P18). */
@Tag("kernel")
@Timeout(60)
class ProcessServiceTest {
    /** What a command begins with that is to wait until the test lets it go on. */
    private static final String GATE = "until [ -e gate ]; do sleep 0.01; done; ";

    @TempDir
    Path directory;

    private TestSandbox sandbox;

    @BeforeEach
    void start() throws Exception {
        sandbox = TestSandbox.start(directory);
    }

    @AfterEach
    void stop() throws Exception {
        sandbox.close();
    }

    @Test
    void P13_starts_tells_and_ends() throws Exception {
        TestStream stream = sandbox.run("echo hello; echo oops >&2");
        assertThat(stream.pid()).isPositive();
        TestStream.Result result = stream.result();
        assertThat(result.stdout()).isEqualTo("hello\n");
        assertThat(result.stderr()).isEqualTo("oops\n");
        assertThat(result.event())
                .isEqualTo(ProcessEvent.EndEvent.newBuilder()
                        .setExited(true)
                        .setStatus("exit status 0")
                        .build());
        assertThat(result.end()).isEqualTo("{}");
        assertThat(body(sandbox.process("List", "{}"))).isEqualTo("{}");
    }

    @ParameterizedTest
    @CsvSource({
        "exit 3, 3, true, exit status 3",
        "exec nothing-here, 127, true, exit status 127",
        "kill -TERM $$, -1, false, signal: terminated",
        "kill -KILL $$, -1, false, signal: killed",
        "'(kill -KILL $BASHPID); exit $?', 137, true, exit status 137",
    })
    void tellsHowAProcessEnded(String command, int code, boolean exited, String status) throws Exception {
        TestStream stream = sandbox.run(command);
        stream.pid();
        ProcessEvent.EndEvent end = stream.result().event();
        assertThat(end.getExitCode()).isEqualTo(code);
        assertThat(end.getExited()).isEqualTo(exited);
        assertThat(end.getStatus()).isEqualTo(status);
        assertThat(end.getError()).isEqualTo(status);
    }

    @Test
    void doesNotFailToStartWhatIsNotFound() throws Exception {
        TestStream stream = sandbox.stream("Start", "{\"process\":{\"cmd\":\"nothing-here\"}}");
        stream.pid();
        TestStream.Result result = stream.result();
        assertThat(result.stderr()).contains("nothing-here");
        assertThat(result.event().getExitCode()).isEqualTo(127);
    }

    @Test
    void givesExactlyTheVariablesOfTheContract() throws Exception {
        String request = "{\"process\":{\"cmd\":\"env\",\"envs\":{\"MINE\":\"1\",\"E2B_TEMPLATE_ID\":\"x\"}}}";
        TestStream stream = sandbox.stream("Start", request);
        stream.pid();
        assertThat(stream.result().stdout().lines())
                .containsExactlyInAnyOrder(
                        "PATH=" + ProcessEnvironment.PATH,
                        "HOME=" + sandbox.home(),
                        "USER=user",
                        "LOGNAME=user",
                        "GLOBAL=g",
                        "E2B_SANDBOX=true",
                        "E2B_SANDBOX_ID=itest",
                        "E2B_TEMPLATE_ID=x",
                        "MINE=1");
    }

    @Test
    void actsAsTheUserInTheHome() throws Exception {
        TestStream stream = sandbox.run("id -u; id -G; pwd; umask");
        stream.pid();
        assertThat(stream.result().stdout())
                .isEqualTo(TestSandbox.UID + "\n12346 " + TestSandbox.GROUP + "\n" + sandbox.home() + "\n0022\n");

        TestStream root = sandbox.run("id -u", "Authorization", basic("root"));
        root.pid();
        assertThat(root.result().stdout()).isEqualTo("0\n");
    }

    @Test
    void refusesAnUnknownUser() throws Exception {
        TestStream stream = sandbox.run("true", "Authorization", basic("nobody-here"));
        assertThat(stream.end())
                .isEqualTo("{\"error\":{\"code\":\"unauthenticated\","
                        + "\"message\":\"invalid username: 'nobody-here'\"}}");
    }

    @Test
    void refusesADirectoryThatIsMissingOrClosed() throws Exception {
        TestStream missing = sandbox.stream("Start", "{\"process\":{\"cmd\":\"true\",\"cwd\":\"/not/here\"}}");
        assertThat(missing.end())
                .isEqualTo("{\"error\":{\"code\":\"invalid_argument\","
                        + "\"message\":\"cwd '/not/here' does not exist\"}}");

        Path closed = Files.createDirectory(
                directory.resolve("closed"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        TestStream refused = sandbox.stream("Start", "{\"process\":{\"cmd\":\"true\",\"cwd\":\"" + closed + "\"}}");
        assertThat(refused.end()).contains("\"invalid_argument\"").contains("EACCES");

        TestStream foreign = sandbox.stream("Start", "{\"process\":{\"cmd\":\"true\",\"cwd\":\"~root\"}}");
        assertThat(foreign.end()).contains("\"invalid_argument\"");
    }

    @Test
    void readsNothingWithoutStdin() throws Exception {
        TestStream stream = sandbox.run("read -p go line");
        stream.pid();
        assertThat(stream.result().event().getExitCode()).isEqualTo(1);
    }

    @Test
    void feedsStdinAndClosesIt() throws Exception {
        TestStream stream = sandbox.stream("Start", "{\"process\":{\"cmd\":\"cat\"}}");
        int pid = stream.pid();
        assertThat(input(pid, "stdin", "").status()).isEqualTo(200);
        assertThat(input(pid, "stdin", "one\n").status()).isEqualTo(200);
        assertThat(stream.until("one\n")).isEqualTo("one\n");
        assertThat(input(pid, "pty", "x").status()).isEqualTo(500);
        for (int i = 0; i < 2; i++) {
            MemoryExchange closed = sandbox.process("CloseStdin", selector(pid) + "}");
            assertThat(closed.status()).as(() -> "close " + pid).isIn(200, 404);
            assertThat(i == 0 ? closed.status() : 200).isEqualTo(200);
        }
        assertThat(stream.result().event().getExitCode()).isZero();
    }

    @Test
    void refusesInputThatIsClosed() throws Exception {
        TestStream stream = sandbox.stream("Start", TestSandbox.shell("cat; sleep 30", true));
        int pid = stream.pid();
        assertThat(sandbox.process("CloseStdin", selector(pid) + "}").status()).isEqualTo(200);
        assertThat(sandbox.process("CloseStdin", selector(pid) + "}").status()).isEqualTo(200);
        assertThat(body(input(pid, "stdin", "x"))).startsWith("{\"code\":\"internal\"");

        TestStream without = sandbox.run("sleep 30");
        int other = without.pid();
        assertThat(body(input(other, "stdin", "x"))).startsWith("{\"code\":\"internal\"");
        assertThat(sandbox.process("CloseStdin", selector(other) + "}").status())
                .isEqualTo(200);
    }

    @Test
    void holdsInputBackUntilItIsRead() throws Exception {
        TestStream stream = sandbox.stream("Start", TestSandbox.shell("sleep 30; wc -c", true));
        int pid = stream.pid();
        byte[] much = new byte[1 << 20];
        Thread writer = Thread.startVirtualThread(() -> write(pid, much));
        assertThat(writer.join(Duration.ofMillis(300))).isFalse();
        TestStream other = sandbox.run("true");
        other.pid();
        other.result();
        stream.close();
        assertThat(sandbox.process("SendSignal", selector(pid) + ",\"signal\":9}")
                        .status())
                .isEqualTo(200);
        assertThat(writer.join(Duration.ofSeconds(10))).isTrue();
    }

    @Test
    void passesMuchInputOn() throws Exception {
        TestStream stream = sandbox.stream("Start", TestSandbox.shell(GATE + "wc -c", true));
        int pid = stream.pid();
        Thread writer = Thread.startVirtualThread(() -> write(pid, new byte[1 << 20]));
        awaitBlocked(writer);
        openGate();
        assertThat(writer.join(Duration.ofSeconds(10))).isTrue();
        sandbox.process("CloseStdin", selector(pid) + "}");
        assertThat(stream.result().stdout()).isEqualTo("1048576\n");
    }

    @Test
    void takesInputAsAStream() throws Exception {
        TestStream stream = sandbox.stream("Start", "{\"process\":{\"cmd\":\"cat\"},\"tag\":\"cat\"}");
        stream.pid();
        TestStream in = TestStream.open(
                exchange -> sandbox.send(MemoryExchange.of(
                                "POST",
                                "/process.Process/StreamInput",
                                bytes(
                                        "{\"start\":{\"process\":{\"tag\":\"cat\"}}}",
                                        "{\"keepalive\":{}}",
                                        "{\"data\":{\"input\":{\"stdin\":\"aGkK\"}}}"))
                        .header("Content-Type", "application/connect+json")),
                "",
                "");
        assertThat(stream.until("hi\n")).isEqualTo("hi\n");
        assertThat(in.serverEnds()).isTrue();

        MemoryExchange early = sandbox.send(
                MemoryExchange.of("POST", "/process.Process/StreamInput", bytes("{\"data\":{\"input\":{}}}"))
                        .header("Content-Type", "application/connect+json"));
        assertThat(body(early)).contains("\"invalid_argument\"");
    }

    @Test
    void runsATerminal() throws Exception {
        TestStream stream = sandbox.stream(
                "Start",
                "{\"process\":{\"cmd\":\"/bin/bash\",\"args\":[\"--norc\",\"-i\"],\"envs\":{\"PS1\":\"$ \"}},"
                        + "\"pty\":{\"size\":{\"cols\":80,\"rows\":24}}}");
        int pid = stream.pid();
        input(pid, "pty", "stty size; tty\n");
        assertThat(stream.until("/dev/pts")).contains("24 80");
        MemoryExchange resized =
                sandbox.process("Update", selector(pid) + ",\"pty\":{\"size\":{\"cols\":100,\"rows\":30}}}");
        assertThat(resized.status()).isEqualTo(200);
        input(pid, "pty", "stty size\n");
        stream.until("30 100");
        assertThat(sandbox.process("CloseStdin", selector(pid) + "}").status()).isEqualTo(500);
        assertThat(input(pid, "stdin", "x").status()).isEqualTo(500);
        input(pid, "pty", "exit 7\n");
        TestStream.Result result = stream.result();
        assertThat(result.event().getExitCode()).isEqualTo(7);
        assertThat(result.stdout()).isEmpty();
    }

    @Test
    void killsOneProcessAndSeesItGone() throws Exception {
        TestStream stream = sandbox.run("exec sleep 60");
        int pid = stream.pid();
        assertThat(body(sandbox.process("List", "{}")))
                .contains("\"pid\":" + pid)
                .contains("exec sleep 60");
        assertThat(body(sandbox.process("SendSignal", selector(pid) + ",\"signal\":\"SIGNAL_SIGKILL\"}")))
                .isEqualTo("{}");
        TestStream check = sandbox.run("kill -0 " + pid, "Authorization", basic("root"));
        check.pid();
        assertThat(check.result().event().getExitCode()).isEqualTo(1);
        assertThat(stream.result().event().getError()).isEqualTo("signal: killed");
        assertThat(body(sandbox.process("SendSignal", selector(pid) + ",\"signal\":9}")))
                .isEqualTo("{\"code\":\"not_found\",\"message\":\"process with pid " + pid + " not found\"}");
    }

    @Test
    void answersUnaryErrorsAsTheContractSays() throws Exception {
        TestStream stream = sandbox.run("sleep 60");
        int pid = stream.pid();
        assertThat(sandbox.process("SendSignal", selector(pid) + "}").status()).isEqualTo(501);
        assertThat(sandbox.process("SendSignal", selector(pid) + ",\"signal\":2}")
                        .status())
                .isEqualTo(501);
        assertThat(sandbox.process("SendSignal", "{\"signal\":9}").status()).isEqualTo(501);
        assertThat(sandbox.process("SendInput", selector(pid) + "}").status()).isEqualTo(501);
        assertThat(sandbox.process("Update", selector(pid) + "}").status()).isEqualTo(200);
        assertThat(sandbox.process("Update", selector(pid) + ",\"pty\":{}}").status())
                .isEqualTo(500);
        assertThat(sandbox.process("CloseStdin", "{\"process\":{\"tag\":\"none\"}}")
                        .status())
                .isEqualTo(404);
        TestStream unknown = sandbox.stream("Connect", "{\"process\":{\"pid\":999999}}");
        assertThat(unknown.end())
                .isEqualTo(
                        "{\"error\":{\"code\":\"not_found\"," + "\"message\":\"process with pid 999999 not found\"}}");
    }

    @Test
    void waitsForBackgroundHoldersOfTheOutputUnlessKilled() throws Exception {
        TestStream stream = sandbox.run("(" + GATE + "echo held) & echo done");
        stream.pid();
        assertThat(stream.until("done\n")).isEqualTo("done\n");
        openGate();
        assertThat(stream.result().stdout()).isEqualTo("held\n");

        TestStream held = sandbox.run("sleep 50 & echo done");
        int pid = held.pid();
        held.until("done\n");
        long killed = System.nanoTime();
        assertThat(sandbox.process("SendSignal", selector(pid) + ",\"signal\":9}")
                        .status())
                .isEqualTo(200);
        assertThat(held.result().end()).isEqualTo("{}");
        assertThat(Duration.ofNanos(System.nanoTime() - killed)).isLessThan(Duration.ofSeconds(10));
    }

    @Test
    void endsAtItsDeadlineWithThatError() throws Exception {
        TestStream stream = sandbox.run("exec sleep 60", "Connect-Timeout-Ms", "300");
        int pid = stream.pid();
        TestStream other = sandbox.stream("Connect", selector(pid) + "}");
        assertThat(other.pid()).isEqualTo(pid);
        assertThat(stream.end()).startsWith("{\"error\":{\"code\":\"deadline_exceeded\"");
        assertThat(other.result().event().getStatus()).isEqualTo("signal: killed");
        assertThat(body(sandbox.process("List", "{}"))).isEqualTo("{}");
    }

    @Test
    void livesToItsDeadlineThoughTheClientLeaves() throws Exception {
        TestStream stream = sandbox.run("exec sleep 60", "Connect-Timeout-Ms", "1000");
        int pid = stream.pid();
        stream.close();
        assertThat(stream.serverEnds()).isTrue();
        assertThat(body(sandbox.process("List", "{}"))).contains("\"pid\":" + pid);
        TestStream again = sandbox.stream("Connect", selector(pid) + "}");
        again.pid();
        assertThat(again.result().event().getStatus()).isEqualTo("signal: killed");
    }

    @Test
    void endsOnlyTheStreamAtTheDeadlineOfConnect() throws Exception {
        TestStream stream = sandbox.run("sleep 60");
        int pid = stream.pid();
        TestStream timed = sandbox.stream("Connect", selector(pid) + "}", "Connect-Timeout-Ms", "200");
        assertThat(timed.end()).startsWith("{\"error\":{\"code\":\"deadline_exceeded\"");
        assertThat(body(sandbox.process("List", "{}"))).contains("\"pid\":" + pid);
    }

    @Test
    void keepsIdleStreamsAlive() throws Exception {
        TestStream stream = sandbox.run("sleep 60", "Keepalive-Ping-Interval", "1");
        stream.pid();
        assertThat(stream.next().hasKeepalive()).isTrue();
        assertThat(stream.next().hasKeepalive()).isTrue();
    }

    @Test
    void P15_all_readers_get_everything() throws Exception {
        TestStream first = sandbox.run(GATE + "head -c 3000000 /dev/zero | tr '\\0' x");
        int pid = first.pid();
        List<TestStream> others = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            others.add(sandbox.stream("Connect", selector(pid) + "}"));
            others.get(i).pid();
        }
        TestStream leaver = sandbox.stream("Connect", selector(pid) + "}");
        leaver.pid();
        openGate();
        List<Thread> readers = new ArrayList<>();
        Map<TestStream, Integer> lengths = new ConcurrentHashMap<>();
        for (TestStream stream : others) {
            readers.add(Thread.startVirtualThread(() -> lengths.put(stream, length(stream))));
        }
        leaver.close();
        assertThat(length(first)).isEqualTo(3000000);
        for (Thread reader : readers) {
            reader.join();
        }
        assertThat(lengths.values()).containsExactly(3000000, 3000000, 3000000);
        assertThat(leaver.serverEnds()).isTrue();
    }

    @Test
    void P15_a_slow_reader_stalls_the_process_until_it_leaves() throws Exception {
        Path counter = directory.resolve("home/written");
        TestStream slow =
                sandbox.run("for i in $(seq 100); do head -c 100000 /dev/zero; echo $i > " + counter + "; done");
        int pid = slow.pid();
        String stalled = awaitStill(counter);
        assertThat(Integer.parseInt(stalled)).isBetween(1, 90);
        TestStream other = sandbox.stream("Connect", selector(pid) + "}");
        other.pid();
        slow.close();
        assertThat(other.result().event().getExited()).isTrue();
        assertThat(Files.readString(counter).strip()).isEqualTo("100");
    }

    @Test
    void throwsOutputAwayThatNobodyReads() throws Exception {
        TestStream stream = sandbox.run(GATE + "head -c 10000000 /dev/zero; echo gone > done; sleep 60");
        int pid = stream.pid();
        stream.close();
        assertThat(stream.serverEnds()).isTrue();
        openGate();
        Path done = sandbox.home().resolve("done");
        awaitText(done, "gone");
        TestStream late = sandbox.stream("Connect", selector(pid) + "}");
        late.pid();
        sandbox.process("SendSignal", selector(pid) + ",\"signal\":15}");
        TestStream.Result result = late.result();
        assertThat(result.stdout()).isEmpty();
        assertThat(result.event().getError()).isEqualTo("signal: terminated");
    }

    @Test
    void P16_P17_the_end_is_kept_for_late_readers_until_the_tag_is_used_again() throws Exception {
        String start = "{\"process\":{\"cmd\":\"bash\",\"args\":[\"-c\",\"%s\"]},\"tag\":\"job\"}";
        TestStream stream = sandbox.stream("Start", start.formatted("exit 5"));
        int pid = stream.pid();
        stream.result();
        for (String selector : List.of("{\"pid\":" + pid + "}", "{\"tag\":\"job\"}")) {
            TestStream late = sandbox.stream("Connect", "{\"process\":" + selector + "}");
            assertThat(late.pid()).isEqualTo(pid);
            TestStream.Result result = late.result();
            assertThat(result.event().getExitCode()).isEqualTo(5);
            assertThat(result.end()).isEqualTo("{}");
        }
        TestStream second = sandbox.stream("Start", start.formatted("sleep 60"));
        int successor = second.pid();
        TestStream byTag = sandbox.stream("Connect", "{\"process\":{\"tag\":\"job\"}}");
        assertThat(byTag.pid()).isEqualTo(successor);
        assertThat(sandbox.stream("Connect", selector(pid) + "}").end()).contains("not_found");
    }

    @Test
    @InProcessOnly("shortens the time for which an end is kept")
    void forgetsTheEndAfterATime() throws Exception {
        sandbox.close();
        Path fresh = Files.createDirectory(directory.resolve("fresh"));
        sandbox = TestSandbox.start(fresh, Duration.ofMillis(100));
        TestStream stream = sandbox.run("true");
        int pid = stream.pid();
        stream.result();
        String end = "{}";
        for (long until = System.nanoTime() + 10_000_000_000L; end.equals("{}") && System.nanoTime() < until; ) {
            end = sandbox.stream("Connect", selector(pid) + "}").end();
        }
        assertThat(end).contains("not_found");
    }

    @Test
    void cutsStreamsWithoutAnEndWhenClosed() throws Exception {
        TestStream stream = sandbox.run("sleep 60");
        stream.pid();
        sandbox.closeEnvd();
        assertThatThrownBy(stream::next).isInstanceOf(IOException.class);
        assertThat(stream.exchange().aborted()).isTrue();
        assertThat(stream.exchange().ended()).isFalse();
        assertThat(stream.serverEnds()).isTrue();
        MemoryExchange after = sandbox.process("List", "{}");
        assertThat(after.aborted()).isTrue();
    }

    @Test
    void takesProcessesOverFromAnEarlierProgram() throws Exception {
        sandbox.close();
        Path fresh = Files.createDirectory(directory.resolve("fresh"));
        sandbox = TestSandbox.start(fresh);
        TestStream stream = sandbox.stream(
                "Start",
                "{\"process\":{\"cmd\":\"bash\",\"args\":[\"-c\",\"read x; echo got $x; exit 4\"]},\"tag\":\"kept\"}");
        int pid = stream.pid();
        TestStream quick = sandbox.run(GATE + "echo late; exit 9");
        int quickPid = quick.pid();
        sandbox.reopen();
        openGate();
        assertThat(body(sandbox.process("List", "{}")))
                .contains("\"pid\":" + pid)
                .contains("\"tag\":\"kept\"");
        TestStream again = sandbox.stream("Connect", "{\"process\":{\"tag\":\"kept\"}}");
        assertThat(again.pid()).isEqualTo(pid);
        input(pid, "stdin", "it\n");
        TestStream.Result result = again.result();
        assertThat(result.stdout()).isEqualTo("got it\n");
        assertThat(result.event().getExitCode()).isEqualTo(4);

        TestStream late = sandbox.stream("Connect", selector(quickPid) + "}");
        assertThat(late.pid()).isEqualTo(quickPid);
        TestStream.Result quickResult = late.result();
        assertThat(quickResult.stdout()).isEqualTo("late\n");
        assertThat(quickResult.event().getExitCode()).isEqualTo(9);
    }

    @Test
    void P14_a_client_that_is_gone_before_the_start_leaves_nothing_waiting() throws Exception {
        MemoryExchange gone = MemoryExchange.of(
                        "POST", "/process.Process/Start", bytes(TestSandbox.shell("exec sleep 60", false)))
                .header("Content-Type", "application/connect+json");
        gone.abort();
        Thread server = Thread.startVirtualThread(() -> sandbox.send(gone));
        assertThat(server.join(Duration.ofSeconds(10))).isTrue();
        TestStream next = sandbox.run("echo works");
        next.pid();
        assertThat(next.result().stdout()).isEqualTo("works\n");
    }

    @Test
    void P14_a_client_that_vanishes_under_heavy_output_stops_nothing() throws Exception {
        TestStream heavy = sandbox.run("while :; do head -c 1000000 /dev/zero; echo x >> counter; done");
        int pid = heavy.pid();
        heavy.next();
        heavy.close();
        assertThat(heavy.serverEnds()).isTrue();
        Path counter = sandbox.home().resolve("counter");
        while (!Files.exists(counter) || Files.size(counter) < 40) {
            Thread.sleep(10);
        }
        assertThat(sandbox.process("SendSignal", selector(pid) + ",\"signal\":9}")
                        .status())
                .isEqualTo(200);
        assertThat(body(sandbox.process("List", "{}"))).isEqualTo("{}");
    }

    @Test
    void P18_a_command_runs_with_the_priorities_of_the_contract_and_needs_no_tools_for_it() throws Exception {
        TestStream stream = sandbox.stream(
                "Start",
                "{\"process\":{\"cmd\":\"/bin/sh\",\"args\":[\"-c\",\"cat /proc/self/oom_score_adj; exec 3</proc/self/stat;"
                        + " read -r stat <&3; set -- $stat; echo ${19}\"],\"envs\":{\"PATH\":\"/bin\"}}}");
        stream.pid();
        assertThat(stream.result().stdout()).isEqualTo("100\n0\n");
    }

    @Test
    void output_of_a_durable_process_is_replayed_to_who_asks() throws Exception {
        TestStream first = sandbox.run("echo one; exec sleep 60", "Sandlot-Durable", "true");
        int pid = first.pid();
        first.until("one\n");
        first.close();
        assertThat(first.serverEnds()).isTrue();
        TestStream plain = sandbox.stream("Connect", selector(pid) + "}");
        plain.pid();
        TestStream replayed = sandbox.stream("Connect", selector(pid) + "}", "Sandlot-Replay", "true");
        replayed.pid();
        assertThat(replayed.until("one\n")).isEqualTo("one\n");
        assertThat(replayed.exchange().responseHeaders().first("Sandlot-Lost-Bytes"))
                .contains("0");
        sandbox.process("SendSignal", selector(pid) + ",\"signal\":9}");
        assertThat(plain.result().stdout()).isEmpty();
        TestStream late = sandbox.stream("Connect", selector(pid) + "}", "Sandlot-Replay", "true");
        late.pid();
        TestStream.Result result = late.result();
        assertThat(result.stdout()).isEqualTo("one\n");
        assertThat(result.event().getError()).isEqualTo("signal: killed");
    }

    @Test
    void nothing_is_replayed_of_a_process_that_is_not_durable() throws Exception {
        TestStream first = sandbox.run("echo one; sleep 60");
        int pid = first.pid();
        first.until("one\n");
        TestStream replayed = sandbox.stream("Connect", selector(pid) + "}", "Sandlot-Replay", "true");
        replayed.pid();
        sandbox.process("SendSignal", selector(pid) + ",\"signal\":9}");
        assertThat(replayed.result().stdout()).isEmpty();
    }

    @Test
    void the_newest_output_of_a_durable_process_is_kept_within_bounds() throws Exception {
        TestStream first = sandbox.run(GATE + "seq 1 200000; echo all > done; sleep 60", "Sandlot-Durable", "true");
        int pid = first.pid();
        first.close();
        assertThat(first.serverEnds()).isTrue();
        openGate();
        awaitText(sandbox.home().resolve("done"), "all");
        String seen = "";
        while (!seen.endsWith("\n200000\n")) {
            TestStream replayed = sandbox.stream(
                    "Connect", selector(pid) + "}", "Sandlot-Replay", "true", "Connect-Timeout-Ms", "300");
            replayed.pid();
            long lost = Long.parseLong(replayed.exchange()
                    .responseHeaders()
                    .first("Sandlot-Lost-Bytes")
                    .orElseThrow());
            seen = replayed.untilEnd();
            assertThat(seen.isEmpty() || lost == 0 || seen.length() >= KeptOutput.KEPT_BYTES)
                    .isTrue();
        }
        assertThat(seen.length()).isBetween(KeptOutput.KEPT_BYTES, KeptOutput.KEPT_BYTES + 2 * KeptOutput.FILE_BYTES);
    }

    @Test
    void a_durable_process_keeps_its_output_through_a_restart() throws Exception {
        sandbox.close();
        Path fresh = Files.createDirectory(directory.resolve("fresh"));
        sandbox = TestSandbox.start(fresh);
        TestStream first = sandbox.run(GATE + "echo while down; sleep 60", "Sandlot-Durable", "true");
        int pid = first.pid();
        sandbox.reopen(this::openGate);
        TestStream reader = sandbox.stream("Connect", selector(pid) + "}");
        reader.pid();
        assertThat(reader.until("while down\n")).isEqualTo("while down\n");
        reader.close();
        TestStream replayed = sandbox.stream("Connect", selector(pid) + "}", "Sandlot-Replay", "true");
        replayed.pid();
        assertThat(replayed.until("while down\n")).isEqualTo("while down\n");
    }

    @Test
    void output_that_was_kept_before_a_restart_comes_before_that_from_after_it() throws Exception {
        TestStream first =
                sandbox.run("echo one; echo two >&2; " + GATE + "echo three; exec sleep 60", "Sandlot-Durable", "true");
        int pid = first.pid();
        first.until("one\n");
        first.close();
        assertThat(first.serverEnds()).isTrue();
        assertThat(replay(pid, "one\n")).isEqualTo("one\n");
        sandbox.reopen();
        openGate();
        assertThat(replay(pid, "three\n")).isEqualTo("one\nthree\n");
        sandbox.reopen();
        assertThat(replay(pid, "three\n")).isEqualTo("one\nthree\n");
    }

    private String replay(int pid, String end) throws IOException {
        TestStream replayed = sandbox.stream("Connect", selector(pid) + "}", "Sandlot-Replay", "true");
        assertThat(replayed.pid()).isEqualTo(pid);
        String text = replayed.until(end);
        replayed.close();
        return text;
    }

    @Test
    @InProcessOnly("waits for what the journal says")
    void a_durable_process_that_ended_before_a_restart_is_replayed_after_it() throws Exception {
        TestStream first = sandbox.run("echo all; exit 3", "Sandlot-Durable", "true");
        int pid = first.pid();
        assertThat(first.result().stdout()).isEqualTo("all\n");
        sandbox.awaitNoted();
        sandbox.reopen();
        TestStream replayed = sandbox.stream("Connect", selector(pid) + "}", "Sandlot-Replay", "true");
        replayed.pid();
        TestStream.Result result = replayed.result();
        assertThat(result.stdout()).isEqualTo("all\n");
        assertThat(result.event().getExitCode()).isEqualTo(3);
        assertThat(body(sandbox.process("List", "{}"))).isEqualTo("{}");
    }

    @Test
    @InProcessOnly("looks at the files that are kept")
    void the_oldest_ended_durable_process_makes_room_and_nothing_of_it_stays() throws Exception {
        for (int i = 0; i < Processes.MAX_DURABLE; i++) {
            TestStream each = sandbox.run("echo " + i, "Sandlot-Durable", "true");
            each.pid();
            each.result();
        }
        TestStream last = sandbox.run("echo last; exec sleep 60", "Sandlot-Durable", "true");
        last.pid();
        last.until("last\n");
        try (var files = Files.list(sandbox.outputs())) {
            assertThat(files).hasSize(Processes.MAX_DURABLE);
        }
    }

    @Test
    void too_many_durable_processes_at_once_are_refused() throws Exception {
        for (int i = 0; i < Processes.MAX_DURABLE; i++) {
            sandbox.run("exec sleep 60", "Sandlot-Durable", "true").pid();
        }
        assertThat(sandbox.run("true", "Sandlot-Durable", "true").end()).contains("resource_exhausted");
        TestStream plain = sandbox.run("echo plain");
        plain.pid();
        assertThat(plain.result().stdout()).isEqualTo("plain\n");
    }

    @Test
    @InProcessOnly("looks at the files that are kept")
    void what_is_not_durable_leaves_no_file() throws Exception {
        TestStream plain = sandbox.run("echo plain");
        plain.pid();
        plain.result();
        assertThat(sandbox.outputs()).doesNotExist();
    }

    @Test
    void survivesManyAtOnce() throws Exception {
        List<TestStream> streams = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            streams.add(sandbox.stream("Start", "{\"process\":{\"cmd\":\"echo\",\"args\":[\"" + i + "\"]}}"));
        }
        for (int i = 0; i < streams.size(); i++) {
            streams.get(i).pid();
            assertThat(streams.get(i).result().stdout()).isEqualTo(i + "\n");
        }
        assertThat(body(sandbox.process("List", "{}"))).isEqualTo("{}");
    }

    /** Lets a command go on that waits for {@link #GATE}. */
    private void openGate() throws IOException {
        Files.createFile(sandbox.home().resolve("gate"));
    }

    private static void awaitBlocked(Thread thread) throws InterruptedException {
        while (thread.getState() != Thread.State.WAITING && thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.sleep(1);
        }
    }

    private static int length(TestStream stream) {
        try {
            return stream.result().stdout().length();
        } catch (IOException e) {
            return -1;
        }
    }

    private void write(int pid, byte[] bytes) {
        sandbox.process(
                "SendInput",
                selector(pid) + ",\"input\":{\"stdin\":\"" + Base64.getEncoder().encodeToString(bytes) + "\"}}");
    }

    private MemoryExchange input(int pid, String kind, String text) throws IOException {
        String base64 = Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        return sandbox.process("SendInput", selector(pid) + ",\"input\":{\"" + kind + "\":\"" + base64 + "\"}}");
    }

    private static String selector(int pid) {
        return "{\"process\":{\"pid\":" + pid + "}";
    }

    private static String basic(String user) {
        return "Basic " + Base64.getEncoder().encodeToString((user + ":").getBytes(StandardCharsets.UTF_8));
    }

    private static String body(MemoryExchange exchange) throws IOException {
        return new String(exchange.responseBody().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static byte[] bytes(String... messages) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (String message : messages) {
            out.writeBytes(TestStream.frame(message));
        }
        return out.toByteArray();
    }

    private static void awaitText(Path file, String text) throws Exception {
        while (!Files.exists(file) || !Files.readString(file).strip().equals(text)) {
            Thread.sleep(10);
        }
    }

    /** What the file says once it says the same for half a second. */
    private static String awaitStill(Path file) throws Exception {
        String last = "";
        for (int same = 0; same < 10; ) {
            Thread.sleep(50);
            String now = Files.exists(file) ? Files.readString(file).strip() : "";
            same = now.equals(last) && !now.isEmpty() ? same + 1 : 0;
            last = now;
        }
        return last;
    }
}
