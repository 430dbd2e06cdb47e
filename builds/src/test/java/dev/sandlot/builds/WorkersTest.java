package dev.sandlot.builds;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WorkersTest {
    private static final UUID FIRST = new UUID(0, 1);
    private static final UUID SECOND = new UUID(0, 2);

    private final BlockingQueue<String> granted = new LinkedBlockingQueue<>();

    @Test
    void a_free_place_goes_to_the_team_with_the_fewest_at_work_then_to_who_waited_longest() throws Exception {
        Workers workers = new Workers(2);
        workers.acquire(FIRST);
        workers.acquire(FIRST);
        wait(workers, FIRST, "first 3");
        wait(workers, FIRST, "first 4");
        wait(workers, SECOND, "second 1");
        wait(workers, SECOND, "second 2");
        workers.release(FIRST);
        assertThat(next()).isEqualTo("second 1");
        workers.release(FIRST);
        assertThat(next()).isEqualTo("first 3");
        workers.release(SECOND);
        assertThat(next()).isEqualTo("second 2");
        workers.release(SECOND);
        assertThat(next()).isEqualTo("first 4");
    }

    @Test
    void who_waits_no_longer_is_not_given_a_place() throws Exception {
        Workers workers = new Workers(1);
        workers.acquire(FIRST);
        Thread gone = wait(workers, FIRST, "gone");
        wait(workers, SECOND, "second");
        gone.interrupt();
        gone.join();
        workers.release(FIRST);
        assertThat(next()).isEqualTo("second");
        workers.release(SECOND);
        workers.acquire(FIRST);
    }

    @Test
    void an_interrupt_before_the_wait_takes_no_place() throws Exception {
        Workers workers = new Workers(1);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> workers.acquire(FIRST)).isInstanceOf(InterruptedException.class);
        workers.acquire(FIRST);
    }

    /** Whatever is interrupted when: never more at work than there are places, and all places are there afterwards. */
    @Test
    void interrupts_lose_no_place() throws Exception {
        Random random = new Random(11);
        int places = 3;
        Workers workers = new Workers(places);
        AtomicInteger atWork = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            UUID team = random.nextBoolean() ? FIRST : SECOND;
            threads.add(Thread.ofVirtual().start(() -> {
                for (int round = 0; round < 50; round++) {
                    try {
                        workers.acquire(team);
                    } catch (InterruptedException e) {
                        continue;
                    }
                    most.accumulateAndGet(atWork.incrementAndGet(), Math::max);
                    Thread.yield();
                    atWork.decrementAndGet();
                    workers.release(team);
                }
            }));
        }
        for (int i = 0; i < 2000; i++) {
            threads.get(random.nextInt(threads.size())).interrupt();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(most).hasValueBetween(1, places);
        for (int i = 0; i < places; i++) {
            workers.acquire(FIRST);
        }
    }

    /** Returns when it waits. */
    private Thread wait(Workers workers, UUID team, String name) throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        Thread thread = Thread.ofPlatform().daemon().start(() -> {
            begun.countDown();
            try {
                workers.acquire(team);
                granted.add(name);
            } catch (InterruptedException e) {
                return;
            }
        });
        begun.await();
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return thread;
    }

    private String next() throws InterruptedException {
        return String.valueOf(granted.poll(20, TimeUnit.SECONDS));
    }
}
