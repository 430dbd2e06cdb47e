package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TogetherTest {
    @Test
    void allAreDoneAndSeveralAtOnce() throws Exception {
        CyclicBarrier several = new CyclicBarrier(2);
        Set<Integer> done = ConcurrentHashMap.newKeySet();
        List<Integer> things = IntStream.range(0, 40).boxed().toList();
        Together.each(things, thing -> {
            meet(several);
            done.add(thing);
        });
        assertThat(done).containsExactlyInAnyOrderElementsOf(things);
    }

    private static void meet(CyclicBarrier barrier) throws IOException {
        try {
            barrier.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
            throw new IOException("nobody else is at work", e);
        }
    }

    @Test
    void oneThatFailsIsToldWhenTheRestIsDone() {
        Set<Integer> done = ConcurrentHashMap.newKeySet();
        assertThatThrownBy(() -> Together.each(List.of(1, 2, 3, 4, 5, 6), thing -> {
                    if (thing % 2 == 0) {
                        throw new IOException("not " + thing);
                    }
                    done.add(thing);
                }))
                .isInstanceOf(IOException.class)
                .hasMessage("not 2")
                .satisfies(failure -> assertThat(failure.getSuppressed()).hasSize(2));
        assertThat(done).containsExactlyInAnyOrder(1, 3, 5);
    }

    @Test
    void nothingIsDoneForNothing() throws Exception {
        Together.each(List.of(), thing -> {
            throw new IOException("of what?");
        });
    }
}
