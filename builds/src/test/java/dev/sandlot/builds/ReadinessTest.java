package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.builds.WorkSandbox.Command;
import dev.sandlot.builds.WorkSandbox.Ended;
import dev.sandlot.builds.WorkSandbox.Lines;
import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.TemplateStart;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is waited for in a sandbox whose template's build has been ready (template-build.md 10). */
@Timeout(15)
class ReadinessTest {
    private static final Duration LONG = Duration.ofHours(1);
    private static final Lines NOBODY = new Lines() {
        @Override
        public void stdout(String line) {}

        @Override
        public void stderr(String line) {}
    };

    private final Sandbox sandbox = new Sandbox();
    private final Readiness readiness =
            new Readiness(Duration.ofMinutes(1), Duration.ZERO, Duration.ofMillis(1), Duration.ofMillis(1));

    /** Listens on 8080 and 9090 once it was asked a number of times, like something that takes a while to come up. */
    private static final class Sandbox implements Commands {
        private final List<String> ran = new ArrayList<>();
        private final CompletableFuture<Ended> started = new CompletableFuture<>();
        private int looks;
        private int opensAt = Integer.MAX_VALUE;
        /** How the start command ends while the ready command, which takes an hour then, is asked. */
        private @Nullable Ended endsMeanwhile;

        @Override
        public Ended run(Command command, Lines lines) throws InterruptedException {
            ran.add(command.arguments().getLast());
            if (endsMeanwhile != null) {
                started.complete(endsMeanwhile);
                if (!endsMeanwhile.isOk()) {
                    Thread.sleep(LONG);
                }
            }
            return new Ended(0);
        }

        @Override
        public CompletableFuture<Ended> start(Command command, Lines lines) {
            ran.add(command.arguments().getLast());
            return started;
        }

        @Override
        public Set<Integer> listening() {
            return ++looks >= opensAt ? Set.of(9090, 8080, 40_000) : Set.of(9090);
        }
    }

    private static TemplateStart start(String command, String ready) {
        return new TemplateStart(command, ready, new BuildContext("user", "", Map.of()));
    }

    private void again(TemplateStart start) throws NotReadyException, IOException, InterruptedException {
        readiness.reachAgain(start, sandbox, NOBODY, NOBODY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sleep 20", " sleep 1.5s ", "sleep 3h"})
    void whatOnlyLetTimePassWaitsForThePorts(String ready) throws Exception {
        sandbox.opensAt = 3;
        again(start("serve", ready).seenOn(List.of(8080, 9090)));
        assertThat(sandbox.looks).isEqualTo(3);
        assertThat(sandbox.ran).containsExactly("serve");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sleep 20"})
    void withoutPortsItWaitsForNothing(String ready) throws Exception {
        again(start("work", ready).seenOn(List.of()));
        again(start("", ready).seenOn(List.of()));
        assertThat(sandbox.ran).containsExactly("work");
    }

    @ParameterizedTest
    @ValueSource(strings = {"sleep 1; curl localhost", "sleep $X", "sleep 1 && true", "true", "sleep"})
    void aReadyCommandThatAsksSomethingIsAsked(String ready) throws Exception {
        again(start("serve", ready).seenOn(List.of(8080)));
        assertThat(sandbox.ran).containsExactly("serve", ready);
        assertThat(sandbox.looks).isZero();
    }

    @Test
    void whatNobodySawWaitsAsItSays() throws Exception {
        again(start("serve", "sleep 20"));
        assertThat(sandbox.ran).containsExactly("serve", "sleep 20");
    }

    @Test
    void aStartCommandThatFailsBeforeItListensIsTold() {
        sandbox.started.complete(new Ended(3));
        assertThatThrownBy(() -> again(start("serve", "sleep 20").seenOn(List.of(8080))))
                .isInstanceOf(NotReadyException.class)
                .hasMessage("the start command failed: exit status 3");
    }

    @Test
    void aStartCommandThatFailsEndsTheReadyCommandThatOnlyLetsTimePass() {
        sandbox.endsMeanwhile = new Ended(127);
        assertThatThrownBy(() -> readiness.reach(start("serve", "sleep 3600"), sandbox, NOBODY, NOBODY))
                .isInstanceOf(NotReadyException.class)
                .hasMessage("the start command failed: exit status 127");
    }

    @Test
    void aStartCommandThatEndsWellMeanwhileIsNoFailure() throws Exception {
        sandbox.endsMeanwhile = new Ended(0);
        readiness.reach(start("serve", "sleep 3600"), sandbox, NOBODY, NOBODY);
        assertThat(sandbox.ran).containsExactly("serve", "sleep 3600");
    }

    @Test
    void theTimeIsBounded() {
        Readiness soon = new Readiness(Duration.ofMillis(50), Duration.ZERO, LONG, LONG);
        assertThatThrownBy(() ->
                        soon.reachAgain(start("serve", "sleep 20").seenOn(List.of(8080)), sandbox, NOBODY, NOBODY))
                .isInstanceOf(NotReadyException.class);
    }

    /** Ports that the kernel gave are others the next time. */
    @Test
    void portsThatLastAreThoseThatWereChosen() throws Exception {
        sandbox.opensAt = 1;
        assertThat(Readiness.lasting(sandbox)).containsExactly(8080, 9090);
    }
}
