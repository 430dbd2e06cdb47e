package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.ApiException;
import dev.sandlot.protocol.Headers;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is remembered of a key is forgotten at once, also when it is just being looked up and what was read is not
 * true any more (public-api.md 2.3).
 */
@Timeout(60)
class KeySchemeTest {
    @TempDir
    Path directory;

    private final UUID team = UUID.randomUUID();
    private final UUID keyId = UUID.randomUUID();
    private final ApiKeys.Minted key = ApiKeys.mint();
    private final AtomicBoolean slow = new AtomicBoolean();
    private final CountDownLatch read = new CountDownLatch(1);
    private final CountDownLatch told = new CountDownLatch(1);
    private final AtomicLong nanos = new AtomicLong();
    private final List<CompletableFuture<Void>> background = new CopyOnWriteArrayList<>();
    private SqlStore store;
    private KeyScheme scheme;

    @BeforeEach
    void open() {
        store = SqlStore.openSqlite(directory.resolve("control.db"));
        store.teams().ensureTeam(new TeamStore.NewTeam(team, "a", "a", "base_v1", UUID.randomUUID()));
        store.teams().addKey(new TeamStore.StoredKey(keyId, team, "k", key));
        scheme = new KeyScheme(
                slowly(store.teams()), task -> background.add(CompletableFuture.runAsync(task)), nanos::get);
    }

    @AfterEach
    void close() {
        background.forEach(CompletableFuture::join);
        store.close();
    }

    /** Once it is made slow, one look-up is told what it has read only when the test says so. */
    private TeamStore slowly(TeamStore teams) {
        return (TeamStore) Proxy.newProxyInstance(
                TeamStore.class.getClassLoader(), new Class<?>[] {TeamStore.class}, (proxy, method, arguments) -> {
                    Object answer = method.invoke(teams, arguments);
                    if (method.getName().equals("byKeyHash") && slow.getAndSet(false)) {
                        read.countDown();
                        told.await();
                    }
                    return answer;
                });
    }

    private Team check() throws ApiException {
        Team found = scheme.check(new Headers().set("X-API-Key", key.raw())).team();
        assertThat(found).isNotNull();
        return found;
    }

    private CompletableFuture<Team> lookUpSlowly() throws InterruptedException {
        slow.set(true);
        CompletableFuture<Team> caller = CompletableFuture.supplyAsync(() -> {
            try {
                return check();
            } catch (ApiException e) {
                throw new IllegalStateException(e);
            }
        });
        read.await();
        return caller;
    }

    /** A look-up by which what is remembered is renewed. */
    private void renewSlowly() throws ApiException, InterruptedException {
        check();
        nanos.addAndGet(Duration.ofSeconds(61).toNanos());
        slow.set(true);
        check();
        read.await();
    }

    private void ban() {
        store.teams().setStanding(team, new Team.Standing(true, false, null));
        scheme.forgetAll();
    }

    /** Forgets the key in a thread that may have to wait for the look-up, which is told once it waits or is done. */
    private void deleteKeyAndTell() throws InterruptedException {
        String hash = store.teams().deleteKey(team, keyId).orElseThrow();
        Thread forgetting = Thread.ofPlatform().start(() -> scheme.forget(hash));
        while (forgetting.getState() == Thread.State.RUNNABLE) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        told.countDown();
        forgetting.join();
    }

    private void assertThatTheKeyOpensNothing() {
        assertThatThrownBy(this::check).isInstanceOf(ApiException.class).hasMessageStartingWith("Invalid API key");
    }

    @Test
    void aKeyThatIsDeletedWhileItIsLookedUpOpensNothingAfterwards() throws Exception {
        CompletableFuture<Team> early = lookUpSlowly();
        deleteKeyAndTell();
        assertThat(early.get().id()).isEqualTo(team);
        assertThatTheKeyOpensNothing();
    }

    @Test
    void aKeyThatIsDeletedWhileItIsRenewedOpensNothingAfterwards() throws Exception {
        renewSlowly();
        deleteKeyAndTell();
        background.forEach(CompletableFuture::join);
        assertThatTheKeyOpensNothing();
    }

    @Test
    void aBanReachesAKeyThatIsBeingLookedUp() throws Exception {
        CompletableFuture<Team> early = lookUpSlowly();
        ban();
        told.countDown();
        assertThat(early.get().standing().banned()).isFalse();
        assertThat(check().standing().banned()).isTrue();
    }

    @Test
    void aBanReachesAKeyThatIsBeingRenewed() throws Exception {
        renewSlowly();
        ban();
        told.countDown();
        background.forEach(CompletableFuture::join);
        assertThat(check().standing().banned()).isTrue();
    }
}
