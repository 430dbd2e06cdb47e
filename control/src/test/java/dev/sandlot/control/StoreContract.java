package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sandlot.protocol.BuildContext;
import dev.sandlot.protocol.BuildPlan;
import dev.sandlot.protocol.BuiltTemplate;
import dev.sandlot.protocol.SandboxId;
import dev.sandlot.protocol.TemplateStart;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store keeps to (public-api.md 22). */
abstract class StoreContract {
    private static final Instant NOW = Instant.parse("2026-03-01T10:00:00.123Z");
    private Store store;
    private UUID team;

    /** A store without content. */
    protected abstract Store open();

    @BeforeEach
    void openStore() {
        store = open();
        team = UUID.randomUUID();
        store.teams().putTier(new TeamStore.Tier("tier", new Team.Limits(3, 5)));
        store.teams().ensureTeam(new TeamStore.NewTeam(team, "Team", "team", "tier", UUID.randomUUID()));
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    private SandboxRecord starting(Boolean internet, Map<String, String> metadata) {
        return new SandboxRecord(
                SandboxId.random(),
                UUID.randomUUID(),
                team,
                new SandboxRecord.Origin("template", UUID.randomUUID(), "base", "0.6.13"),
                new Resources(3, 777, 888),
                new SandboxRecord.Options(internet, metadata),
                SandboxState.STARTING,
                NOW,
                NOW.plusSeconds(300));
    }

    private SandboxRecord started() {
        SandboxRecord sandbox = starting(null, null);
        store.sandboxes().begin(sandbox);
        SandboxRecord running = sandbox.running(NOW.plusMillis(5), NOW.plusMillis(300_005));
        assertThat(store.sandboxes().started(running)).isTrue();
        return running;
    }

    @Test
    void keepsEveryFieldOfASandbox() {
        SandboxRecord bare = starting(null, null);
        SandboxRecord full = starting(false, Map.of("käse", "\"100%\" & = ' \n 🧀", "", ""));
        SandboxRecord empty = starting(true, Map.of());
        List.of(bare, full, empty).forEach(store.sandboxes()::begin);
        assertThat(store.sandboxes().all()).containsExactlyInAnyOrder(bare, full, empty);
    }

    @Test
    void aStartTakesEffectOnceAndOnlyForItsExecution() {
        SandboxRecord sandbox = starting(null, null);
        store.sandboxes().begin(sandbox);
        SandboxRecord running = sandbox.running(NOW.plusMillis(7), NOW.plusSeconds(9));
        SandboxRecord other = new SandboxRecord(
                running.id(),
                UUID.randomUUID(),
                team,
                running.origin(),
                running.resources(),
                running.options(),
                running.state(),
                running.startedAt(),
                running.endAt());
        assertThat(store.sandboxes().started(other)).isFalse();
        assertThat(store.sandboxes().started(running)).isTrue();
        assertThat(store.sandboxes().started(running)).isFalse();
        assertThat(store.sandboxes().all()).containsExactly(running);
    }

    @Test
    void twoRunsCannotHaveOneName() {
        SandboxRecord sandbox = starting(null, null);
        store.sandboxes().begin(sandbox);
        assertThatThrownBy(() -> store.sandboxes().begin(sandbox)).isInstanceOf(RuntimeException.class);
    }

    @Test
    void onlyAStartingRunCanBeAbandoned() {
        SandboxRecord running = started();
        assertThat(store.sandboxes().abandon(running.id(), running.executionId()))
                .isFalse();
        SandboxRecord starting = starting(null, null);
        store.sandboxes().begin(starting);
        assertThat(store.sandboxes().abandon(starting.id(), starting.executionId()))
                .isTrue();
        assertThat(store.sandboxes().all()).containsExactly(running);
    }

    @Test
    void theEndOfARunningSandboxMoves() {
        SandboxRecord running = started();
        Instant end = NOW.plusSeconds(1000);
        assertThat(store.sandboxes().moveEnd(running.id(), UUID.randomUUID(), end))
                .isFalse();
        assertThat(store.sandboxes().moveEnd(running.id(), running.executionId(), end))
                .isTrue();
        assertThat(store.sandboxes().all()).containsExactly(running.endingAt(end));
    }

    @Test
    void anEndedRunLeavesARecordForAWhile() {
        SandboxRecord running = started();
        SandboxStore sandboxes = store.sandboxes();
        assertThat(sandboxes.end(running.id(), UUID.randomUUID(), KillReason.REQUEST, NOW))
                .isFalse();
        assertThat(sandboxes.end(running.id(), running.executionId(), KillReason.TIMEOUT, NOW))
                .isTrue();
        assertThat(sandboxes.end(running.id(), running.executionId(), KillReason.REQUEST, NOW))
                .isFalse();
        assertThat(sandboxes.all()).isEmpty();
        assertThat(sandboxes.ending(running.id()))
                .contains(new SandboxStore.Ending(running.id(), running.executionId(), team, KillReason.TIMEOUT, NOW));
        assertThat(sandboxes.forgetEndings(NOW)).isZero();
        assertThat(sandboxes.forgetEndings(NOW.plusMillis(1))).isEqualTo(1);
        assertThat(sandboxes.ending(running.id())).isEmpty();
    }

    @Test
    void aTeamIsFoundByItsKeyUntilTheKeyIsDeleted() {
        ApiKeys.Minted key = ApiKeys.mint();
        UUID keyId = UUID.randomUUID();
        assertThat(store.teams().byKeyHash(key.hash())).isEmpty();
        store.teams().addKey(new TeamStore.StoredKey(keyId, team, "key", key));
        Team found = store.teams().byKeyHash(key.hash()).orElseThrow();
        assertThat(found).isEqualTo(new Team(team, "Team", "team", Team.Standing.GOOD, new Team.Limits(3, 5)));
        store.teams().keyUsed(key.hash(), NOW);
        assertThat(store.teams().deleteKey(UUID.randomUUID(), keyId)).isEmpty();
        assertThat(store.teams().deleteKey(team, keyId)).contains(key.hash());
        assertThat(store.teams().byKeyHash(key.hash())).isEmpty();
    }

    @Test
    void theFirstKeyIsStoredOnce() {
        assertThat(store.teams().addFirstKey(new TeamStore.StoredKey(UUID.randomUUID(), team, "a", ApiKeys.mint())))
                .isTrue();
        assertThat(store.teams().addFirstKey(new TeamStore.StoredKey(UUID.randomUUID(), team, "b", ApiKeys.mint())))
                .isFalse();
    }

    @Test
    void aTeamIsMadeOnceAndFollowsItsTier() {
        store.teams().ensureTeam(new TeamStore.NewTeam(UUID.randomUUID(), "Else", "team", "tier", UUID.randomUUID()));
        store.teams().putTier(new TeamStore.Tier("tier", new Team.Limits(30, 50)));
        Team.Standing blocked = new Team.Standing(true, true, "unpaid");
        store.teams().setStanding(team, blocked);
        Team expected = new Team(team, "Team", "team", blocked, new Team.Limits(30, 50));
        assertThat(store.teams().bySlug("team")).contains(expected);
        assertThat(store.teams().byId(team)).contains(expected);
    }

    private String register(UUID owner, String namespace, String alias, TemplateBuild build) {
        return store.templates().register(new TemplateStore.Registration(owner, namespace, alias, build));
    }

    @Test
    void theBuildAssignedLastIsTheNewest() {
        TemplateBuild first = TestServer.build("0.1.0");
        TemplateBuild second = TestServer.build("0.6.13");
        String id = register(null, "", "base", first);
        assertThat(register(null, "", "base", second)).isEqualTo(id);
        assertThat(register(null, "", "base", second)).isEqualTo(id);
        assertThat(store.templates().newestReadyBuild(id, "default")).contains(second);
        assertThat(store.templates().readyBuild(id, first.id())).contains(first);
        assertThat(register(null, "", "base", first)).isEqualTo(id);
        assertThat(store.templates().newestReadyBuild(id, "default")).contains(first);
        assertThat(store.templates().newestReadyBuild(id, "v2")).isEmpty();
        assertThat(store.templates().readyBuild("other", first.id())).isEmpty();
    }

    @Test
    void aliasesAreKeptApartByNamespace() {
        String promoted = register(null, "", "base", TestServer.build("0.6.13"));
        String own = register(team, "team", "base", TestServer.build("0.6.13"));
        assertThat(own).isNotEqualTo(promoted).matches("[a-z0-9]{20}");
        assertThat(store.templates().byAlias("", "base")).contains(new Template(promoted, null, true, List.of("base")));
        assertThat(store.templates().byAlias("team", "base")).contains(new Template(own, team, false, List.of("base")));
        assertThat(store.templates().byId(own)).isEqualTo(store.templates().byAlias("team", "base"));
        assertThat(store.templates().byAlias("else", "base")).isEmpty();
    }

    @Test
    void aPersonIsKnownByTheProvidersNameAndBelongsToTeams() {
        PersonStore people = store.people();
        Identity identity = new Identity("https://issuer.example", "anna");
        UUID anna = people.personOf(identity);
        assertThat(people.personOf(identity)).isEqualTo(anna);
        assertThat(people.personOf(new Identity("https://issuer.example", "bob")))
                .isNotEqualTo(anna);
        assertThat(people.memberships(anna)).isEmpty();
        assertThat(people.teamOf(anna, team)).isEmpty();
        assertThat(people.addMember(team, anna)).isTrue();
        assertThat(people.addMember(team, anna)).isFalse();
        assertThat(people.memberships(anna))
                .containsExactly(
                        new PersonStore.Membership(store.teams().byId(team).orElseThrow(), true));
        assertThat(people.deletePerson(anna)).isFalse();
        assertThat(people.removeMember(team, anna)).isTrue();
        assertThat(people.removeMember(team, anna)).isFalse();
        assertThat(people.deletePerson(anna)).isTrue();
        assertThat(people.personOf(identity)).isNotEqualTo(anna);
    }

    @Test
    void aTokenIsItsPersonsUntilDeletedByThem() {
        PersonStore people = store.people();
        UUID anna = UUID.randomUUID();
        UUID bob = UUID.randomUUID();
        people.addPerson(new PersonStore.Person(anna, "anna@example.com"));
        people.addPerson(new PersonStore.Person(bob, null));
        assertThat(people.people())
                .contains(new PersonStore.Person(anna, "anna@example.com"), new PersonStore.Person(bob, null));
        ApiKeys.Minted token = PersonTokens.mint();
        UUID id = UUID.randomUUID();
        people.addToken(new PersonStore.StoredToken(id, anna, "laptop", token));
        assertThat(people.personOfToken(token.hash())).contains(anna);
        assertThat(people.tokens(anna))
                .extracting(PersonStore.ListedToken::name)
                .containsExactly("laptop");
        assertThat(people.deleteToken(bob, id)).isFalse();
        assertThat(people.deleteToken(anna, id)).isTrue();
        assertThat(people.personOfToken(token.hash())).isEmpty();
    }

    @Test
    void keysAreListedWithTheirMakerAndLastUse() {
        UUID maker = UUID.randomUUID();
        store.people().addPerson(new PersonStore.Person(maker, null));
        ApiKeys.Minted key = ApiKeys.mint();
        UUID id = UUID.randomUUID();
        store.teams().addKey(new TeamStore.StoredKey(id, team, "first", key), maker);
        assertThat(store.teams().renameKey(team, id, "second")).isTrue();
        assertThat(store.teams().renameKey(UUID.randomUUID(), id, "third")).isFalse();
        store.teams().keyUsed(key.hash(), NOW);
        TeamStore.ListedKey listed = store.teams().keys(team).getFirst();
        assertThat(listed.name()).isEqualTo("second");
        assertThat(listed.createdBy()).isEqualTo(maker);
        assertThat(listed.lastUsed()).isEqualTo(NOW);
        assertThat(listed.mask()).isEqualTo(KeyMask.of("e2b_", key));
    }

    @Test
    void changesThatServersMustFollowAreCounted() {
        TeamStore teams = store.teams();
        UUID keyId = UUID.randomUUID();
        teams.addKey(new TeamStore.StoredKey(keyId, team, "key", ApiKeys.mint()));
        List<Runnable> changes = List.of(
                () -> teams.setStanding(team, Team.Standing.GOOD),
                () -> teams.putTier(new TeamStore.Tier("tier", new Team.Limits(1, 1))),
                () -> teams.putOverrides(team, TeamStore.Overrides.LIFTED),
                () -> teams.deleteKey(team, keyId));
        for (Runnable change : changes) {
            long before = teams.changes();
            change.run();
            assertThat(teams.changes()).isGreaterThan(before);
        }
    }

    @Test
    void aKeyedRequestIsWrittenDownOnceWithItsAnswer() {
        OperationStore operations = store.operations();
        OperationStore.KeyedRequest request = new OperationStore.KeyedRequest(team, "k", "print", NOW.plusSeconds(70));
        assertThat(operations.begin(request, NOW)).isEmpty();
        assertThat(operations.begin(request, NOW))
                .contains(new OperationStore.KnownRequest("print", NOW.plusSeconds(70), null));
        assertThat(operations.renew(team, "k", NOW.plusSeconds(69), NOW)).isFalse();
        assertThat(operations.renew(team, "k", NOW.plusSeconds(70), NOW.plusSeconds(99)))
                .isTrue();
        assertThat(operations.renew(team, "k", NOW.plusSeconds(70), NOW)).isFalse();
        assertThat(operations.begin(request, NOW).orElseThrow().deadline()).isEqualTo(NOW.plusSeconds(99));
        OperationStore.KnownAnswer answer = new OperationStore.KnownAnswer(201, Map.of("A", "b"), "{\"ö\":1}");
        operations.answered(team, "k", answer);
        assertThat(operations.begin(request, NOW).orElseThrow().answer()).isEqualTo(answer);
        assertThat(operations.renew(team, "k", NOW.plusSeconds(99), NOW)).isFalse();
        assertThat(operations.forgetRequests(NOW)).isZero();
        assertThat(operations.forgetRequests(NOW.plusMillis(1))).isEqualTo(1);
        assertThat(operations.begin(request, NOW)).isEmpty();
    }

    @Test
    void whatAnOperatorWantsOfANodeIsKept() {
        OperationStore operations = store.operations();
        assertThat(operations.nodeState("n")).isEmpty();
        operations.putNodeState("n", new OperationStore.NodeState(NodeDuty.DRAINING, NOW));
        operations.putNodeState("n", new OperationStore.NodeState(NodeDuty.READY, NOW.plusMillis(1)));
        assertThat(operations.nodeState("n")).contains(new OperationStore.NodeState(NodeDuty.READY, NOW.plusMillis(1)));
    }

    @Test
    void aDeletedTemplateIsGoneAndItsNamesAreFree() {
        String id = register(team, "team", "mine", TestServer.build("0.6.13"));
        assertThat(store.templates().ofTeam(team)).hasSize(1);
        assertThat(store.templates().delete(id)).isTrue();
        assertThat(store.templates().delete(id)).isFalse();
        assertThat(store.templates().byId(id)).isEmpty();
        assertThat(store.templates().byAlias("team", "mine")).isEmpty();
        assertThat(store.templates().listing(id)).isEmpty();
        assertThat(store.templates().ofTeam(team)).isEmpty();
    }

    @Test
    void theLatestStartOfATemplateIsKept() {
        String id = register(team, "team", "mine", TestServer.build("0.6.13"));
        store.templates().spawned(id, NOW);
        store.templates().spawned(id, NOW.plusSeconds(5));
        store.templates().spawned(id, NOW.plusSeconds(3));
        TemplateStore.Listing listing = store.templates().listing(id).orElseThrow();
        assertThat(listing.spawnCount()).isEqualTo(3);
        assertThat(listing.lastSpawnedAt()).isEqualTo(NOW.plusSeconds(5));
    }

    @Test
    void writersAndReadersDoNotDisturbEachOther() throws Exception {
        int threads = 8;
        int each = 25;
        Callable<Void> work = () -> {
            for (int i = 0; i < each; i++) {
                SandboxRecord running = started();
                assertThat(store.sandboxes().all()).contains(running);
            }
            return null;
        };
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Void>> runs =
                    IntStream.range(0, threads).mapToObj(i -> pool.submit(work)).toList();
            for (Future<Void> run : runs) {
                run.get();
            }
        }
        assertThat(store.sandboxes().all()).hasSize(threads * each);
    }

    /** What one call of each of several threads answered, all begun together. */
    private static <T> List<T> together(int threads, Callable<T> call) throws Exception {
        CyclicBarrier start = new CyclicBarrier(threads);
        Callable<T> held = () -> {
            start.await();
            return call.call();
        };
        List<T> answers = new ArrayList<>();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<T> answer : pool.invokeAll(Collections.nCopies(threads, held))) {
                answers.add(answer.get());
            }
        }
        return answers;
    }

    @Test
    void ofManyWhoStartARunOneDoes() throws Exception {
        SandboxRecord sandbox = starting(null, null);
        store.sandboxes().begin(sandbox);
        SandboxRecord running = sandbox.running(NOW, NOW.plusSeconds(1));
        assertThat(together(8, () -> store.sandboxes().started(running))).containsOnlyOnce(true);
    }

    @Test
    void ofManyWhoEndARunOneDoes() throws Exception {
        SandboxRecord running = started();
        assertThat(together(
                        8, () -> store.sandboxes().end(running.id(), running.executionId(), KillReason.REQUEST, NOW)))
                .containsOnlyOnce(true);
        assertThat(store.sandboxes().ending(running.id())).isPresent();
        assertThat(store.sandboxes().forgetEndings(NOW.plusMillis(1))).isEqualTo(1);
    }

    @Test
    void aStartIsEitherTakenOrAbandoned() throws Exception {
        for (int round = 0; round < 10; round++) {
            SandboxRecord sandbox = starting(null, null);
            store.sandboxes().begin(sandbox);
            SandboxRecord running = sandbox.running(NOW, NOW.plusSeconds(1));
            AtomicInteger turn = new AtomicInteger();
            assertThat(together(
                            2,
                            () -> turn.getAndIncrement() == 0
                                    ? store.sandboxes().started(running)
                                    : store.sandboxes().abandon(sandbox.id(), sandbox.executionId())))
                    .containsOnlyOnce(true);
        }
    }

    @Test
    void ofManyFirstKeysOneIsStored() throws Exception {
        assertThat(together(
                        4,
                        () -> store.teams()
                                .addFirstKey(
                                        new TeamStore.StoredKey(UUID.randomUUID(), team, "first", ApiKeys.mint()))))
                .containsOnlyOnce(true);
    }

    @Test
    void ofManyNewTeamsOneIsMade() throws Exception {
        together(4, () -> {
            UUID id = UUID.randomUUID();
            store.teams().ensureTeam(new TeamStore.NewTeam(id, "New", "new", "tier", UUID.randomUUID()));
            return id;
        });
        Team made = store.teams().bySlug("new").orElseThrow();
        assertThat(store.teams().byId(made.id())).contains(made);
    }

    @Test
    void aTemplateRegisteredByManyIsMadeOnce() throws Exception {
        TemplateBuild build = TestServer.build("0.6.13");
        List<String> ids = together(4, () -> register(null, "", "base", build));
        assertThat(ids).hasSize(4).containsOnly(ids.getFirst());
        assertThat(store.templates().newestReadyBuild(ids.getFirst(), "default"))
                .contains(build);
        assertThat(store.templates().byId(ids.getFirst()).orElseThrow().aliases())
                .containsExactly("base");
    }

    @Test
    void buildsAssignedAtOnceAreAllKept() throws Exception {
        Queue<TemplateBuild> builds =
                new ConcurrentLinkedQueue<>(List.of(TestServer.build("0.1.0"), TestServer.build("0.2.0")));
        List<TemplateBuild> all = List.copyOf(builds);
        String id =
                together(2, () -> register(null, "", "base", builds.remove())).getFirst();
        assertThat(all)
                .allSatisfy(build ->
                        assertThat(store.templates().readyBuild(id, build.id())).contains(build));
        assertThat(store.templates().newestReadyBuild(id, "default").orElseThrow())
                .isIn(all);
    }

    @Test
    void manyWhoMeetANewIdentityGetOnePerson() throws Exception {
        Identity identity = new Identity("https://issuer.example", "anna");
        List<UUID> found = together(4, () -> store.people().personOf(identity));
        assertThat(found).hasSize(4).containsOnly(found.getFirst());
        assertThat(store.people().people())
                .filteredOn(person -> person.id().equals(found.getFirst()))
                .hasSize(1);
        assertThat(store.people().people()).hasSize(2);
    }

    @Test
    void ofManyWhoAreGivenOneMailAddressOneHasIt() throws Exception {
        PersonStore people = store.people();
        List<Boolean> made =
                together(4, () -> people.addPerson(new PersonStore.Person(UUID.randomUUID(), "anna@example.com")));
        assertThat(made).containsOnlyOnce(true);
        Identity identity = new Identity("https://issuer.example", "anna", "anna@example.com");
        UUID anna = people.personOf(identity);
        assertThat(people.person(anna)).contains(new PersonStore.Person(anna, null));
        assertThat(people.identities(anna)).containsExactly(identity);
        Queue<String> subjects = new ConcurrentLinkedQueue<>(List.of("a", "b", "c", "d"));
        List<UUID> signedIn = together(
                4, () -> people.personOf(new Identity("https://issuer.example", subjects.remove(), "b@example.com")));
        assertThat(signedIn).doesNotHaveDuplicates();
        assertThat(people.people())
                .filteredOn(person -> "b@example.com".equals(person.email()))
                .hasSize(1);
    }

    /** What is made for it meanwhile either keeps it or is refused. */
    @Test
    void aTeamIsDeletedWhileItIsGivenASandbox() throws Exception {
        for (int round = 0; round < 10; round++) {
            UUID doomed = UUID.randomUUID();
            store.teams().addTeam(doomed, "Doomed", "doomed-" + round, "tier");
            AtomicInteger turn = new AtomicInteger();
            List<Boolean> done = together(
                    4, () -> turn.getAndIncrement() == 0 ? store.teams().deleteTeam(doomed) : isGivenASandbox(doomed));
            boolean stays = store.teams().byId(doomed).isPresent();
            long rows = store.sandboxes().all().stream()
                    .filter(sandbox -> sandbox.teamId().equals(doomed))
                    .count();
            assertThat(rows)
                    .isEqualTo(
                            stays ? done.stream().filter(Boolean::booleanValue).count() : 0);
        }
    }

    private boolean isGivenASandbox(UUID owner) {
        SandboxRecord some = starting(null, null);
        try {
            store.sandboxes()
                    .begin(new SandboxRecord(
                            some.id(),
                            some.executionId(),
                            owner,
                            some.origin(),
                            some.resources(),
                            some.options(),
                            some.state(),
                            some.startedAt(),
                            some.endAt()));
            return true;
        } catch (RuntimeException e) {
            assertThat(BrokenReference.isIn(e)).as(e.toString()).isTrue();
            return false;
        }
    }

    @Test
    void ofSeveralTeamsAtOnceOneIsTheDefault() throws Exception {
        UUID anna = UUID.randomUUID();
        store.people().addPerson(new PersonStore.Person(anna, null));
        Queue<UUID> teams = new ConcurrentLinkedQueue<>();
        for (int i = 0; i < 3; i++) {
            UUID id = UUID.randomUUID();
            assertThat(store.teams().addTeam(id, "Team " + i, "team-" + i, "tier"))
                    .isTrue();
            teams.add(id);
        }
        assertThat(together(3, () -> store.people().addMember(teams.remove(), anna)))
                .containsOnly(true);
        assertThat(store.people().memberships(anna))
                .extracting(PersonStore.Membership::isDefault)
                .containsExactly(true, false, false);
    }

    @Test
    void ofManyWhoBeginAKeyedRequestOneDoes() throws Exception {
        OperationStore.KeyedRequest request = new OperationStore.KeyedRequest(team, "k", "print", NOW.plusSeconds(70));
        assertThat(together(6, () -> store.operations().begin(request, NOW).isEmpty()))
                .containsOnlyOnce(true);
    }

    @Test
    void teamsAreListedBySlugAndASlugIsTakenOnce() {
        assertThat(store.teams().addTeam(UUID.randomUUID(), "A", "alpha", "tier"))
                .isTrue();
        assertThat(store.teams().addTeam(UUID.randomUUID(), "B", "alpha", "tier"))
                .isFalse();
        assertThat(store.teams().all()).extracting(Team::slug).containsExactly("alpha", "team");
    }

    @Test
    void aTeamIsSeenWithItsTierAndItsOwnLimitsAndGoesWhenNothingHangsOnIt() {
        TeamStore teams = store.teams();
        TeamStore.ListedTeam listed = teams.listed(team).orElseThrow();
        assertThat(listed.team()).isEqualTo(teams.byId(team).orElseThrow());
        assertThat(listed.tier()).isEqualTo("tier");
        assertThat(listed.overrides()).isEqualTo(TeamStore.Overrides.NONE);
        TeamStore.Overrides own = new TeamStore.Overrides(7, null, Team.Limits.LIFTED, null, null, null, null, null);
        teams.putOverrides(team, own);
        teams.changeTeam(team, "Renamed", "base_v1");
        listed = teams.listed().getFirst();
        assertThat(listed.team().name()).isEqualTo("Renamed");
        assertThat(listed.tier()).isEqualTo("base_v1");
        assertThat(listed.overrides()).isEqualTo(own);
        assertThat(teams.tiers()).contains(new TeamStore.Tier("tier", new Team.Limits(3, 5)));
        SandboxRecord running = started();
        assertThat(teams.deleteTeam(team)).isFalse();
        store.sandboxes().end(running.id(), running.executionId(), KillReason.REQUEST, NOW);
        teams.addKey(new TeamStore.StoredKey(UUID.randomUUID(), team, "key", ApiKeys.mint()));
        assertThat(teams.deleteTeam(team)).isTrue();
        assertThat(teams.deleteTeam(team)).isFalse();
        assertThat(teams.listed()).isEmpty();
    }

    @Test
    void whoLeavesTheDefaultTeamGetsAnother() {
        UUID anna = UUID.randomUUID();
        store.people().addPerson(new PersonStore.Person(anna, "anna@example.com"));
        UUID other = UUID.randomUUID();
        store.teams().addTeam(other, "Other", "other", "tier");
        store.people().addMember(team, anna);
        store.people().addMember(other, anna);
        assertThat(store.people().removeMember(team, anna)).isTrue();
        assertThat(store.people().members(other))
                .containsExactly(new PersonStore.Member(new PersonStore.Person(anna, "anna@example.com"), true));
        assertThat(store.people().person(anna)).contains(new PersonStore.Person(anna, "anna@example.com"));
        assertThat(store.people().person(UUID.randomUUID())).isEmpty();
    }

    @Test
    void limitsAreThoseOfTheTeamElseOfItsTierAndAddons() {
        Instant now = Instant.now();
        store.teams()
                .addAddon(new TeamStore.Addon(
                        UUID.randomUUID(), team, "more", 10, 0, 0, 1024, 0, now.minusSeconds(60), null));
        store.teams()
                .addAddon(new TeamStore.Addon(
                        UUID.randomUUID(), team, "old", 100, 0, 0, 0, 0, now.minusSeconds(60), now.minusSeconds(1)));
        Team.Limits tier = new Team.Limits(3, 5);
        Team.Limits added = store.teams().byId(team).orElseThrow().limits();
        assertThat(added.concurrentSandboxes()).isEqualTo(13);
        assertThat(added.maxLengthHours()).isEqualTo(5);
        assertThat(added.maxRamMb()).isEqualTo(tier.maxRamMb() + 1024);
        store.teams().putOverrides(team, new TeamStore.Overrides(7, null, null, null, null, null, null, null));
        assertThat(store.teams().byId(team).orElseThrow().limits().concurrentSandboxes())
                .isEqualTo(7);
        store.teams().putOverrides(team, TeamStore.Overrides.LIFTED);
        assertThat(store.teams().byId(team).orElseThrow().limits().maxLengthHours())
                .isEqualTo(Team.Limits.LIFTED);
        store.teams().putOverrides(team, TeamStore.Overrides.NONE);
        assertThat(store.teams().byId(team).orElseThrow().limits()).isEqualTo(added);
    }

    @Test
    void tagsAreAssignedAndTakenAway() throws Exception {
        TemplateStore templates = store.templates();
        TemplateBuild first = TestServer.build("0.1.0");
        TemplateBuild second = TestServer.build("0.6.13");
        String id = register(team, "team", "mine", first);
        register(team, "team", "mine", second);
        together(4, () -> {
            templates.assign(id, first.id(), List.of("v1", "stable"));
            return id;
        });
        templates.assign(id, second.id(), List.of("v2", "stable"));
        assertThat(templates.newestReadyBuild(id, "v1")).contains(first);
        assertThat(templates.newestReadyBuild(id, "stable")).contains(second);
        assertThat(templates.tags(id))
                .extracting(TemplateStore.TagRow::tag)
                .containsExactly("default", "stable", "v1", "v2");
        assertThat(templates.builds(id))
                .extracting(TemplateStore.BuildRow::id)
                .containsExactlyInAnyOrder(first.id(), second.id());
        assertThat(templates.listing(id).orElseThrow().buildCount()).isEqualTo(2);
        templates.unassign(id, List.of("stable", "v1", "unknown"));
        assertThat(templates.tags(id)).extracting(TemplateStore.TagRow::tag).containsExactly("default", "v2");
        assertThat(templates.newestReadyBuild(id, "stable")).isEmpty();
    }

    private BuildStore.Request asked(BuildStore.Target target, String... tags) {
        return new BuildStore.Request(
                UUID.randomUUID(), team, null, target, List.of(tags), new Resources(2, 512, 99), 3, null);
    }

    private BuildStore.Outcome ask(BuildStore.Request request) {
        return store.builds().request(request, new BuildStore.Reason("superseded", null), NOW);
    }

    private String templateOf(BuildStore.Request request) {
        return ((BuildStore.Outcome.Waiting) ask(request)).templateId();
    }

    private static BuildStore.Target named(String alias) {
        return new BuildStore.Target.Named("team", alias);
    }

    @Test
    void aBuildGoesFromItsRequestToItsEnd() {
        BuildStore builds = store.builds();
        BuildStore.Request request = asked(named("mine"), "default", "v1");
        UUID id = request.buildId();
        String template = templateOf(request);
        BuildStore.Build waiting = builds.find(id).orElseThrow();
        assertThat(waiting)
                .isEqualTo(new BuildStore.Build(
                        id,
                        template,
                        team,
                        BuildStatus.WAITING,
                        null,
                        List.of("default", "v1"),
                        new Resources(2, 512, 99),
                        NOW,
                        null,
                        null,
                        null));
        BuiltTemplate built = new BuiltTemplate(
                List.of("sha256:1", "sha256:2"),
                new BuildContext("käse", "/a b", new LinkedHashMap<>(Map.of("Z", "1\n2", "A", ""))),
                "user",
                "",
                new TemplateStart("start", "ready", new BuildContext("root", "", Map.of())),
                "0.6.13",
                1L << 40);
        assertThat(builds.finish(id, built, NOW)).isFalse();
        assertThat(builds.start(id, BuildPlan.Semantics.V2_0, NOW.plusMillis(1)))
                .isTrue();
        assertThat(builds.start(id, BuildPlan.Semantics.V2_0, NOW)).isFalse();
        assertThat(builds.putBack(id)).isTrue();
        assertThat(builds.find(id).orElseThrow().startedAt()).isNull();
        assertThat(builds.start(id, BuildPlan.Semantics.V2_1, NOW.plusMillis(2)))
                .isTrue();
        assertThat(builds.find(id).orElseThrow().semantics()).isEqualTo(BuildPlan.Semantics.V2_1);
        assertThat(builds.find(id).orElseThrow().startedAt()).isEqualTo(NOW.plusMillis(2));
        assertThat(builds.active()).extracting(BuildStore.Build::id).containsExactly(id);
        assertThat(builds.built(id)).isEmpty();
        assertThat(store.templates().newestReadyBuild(template, "v1")).isEmpty();
        assertThat(builds.finish(id, built, NOW.plusMillis(3))).isTrue();
        assertThat(builds.finish(id, built, NOW)).isFalse();
        assertThat(builds.fail(id, new BuildStore.Reason("late", null), NOW)).isFalse();
        assertThat(builds.built(id)).contains(built);
        assertThat(builds.active()).isEmpty();
        assertThat(builds.layersInUse()).containsExactlyInAnyOrder("sha256:1", "sha256:2");
        assertThat(store.templates().newestReadyBuild(template, "v1"))
                .contains(new TemplateBuild(
                        id, built.layers(), request.resources(), "0.6.13", "user", "", built.start()));
    }

    @Test
    void aFailureIsKeptWithItsStep() {
        BuildStore.Request request = asked(named("mine"), "default");
        ask(request);
        BuildStore.Reason reason = new BuildStore.Reason("'boom' \" \n", "3");
        assertThat(store.builds().fail(request.buildId(), reason, NOW)).isTrue();
        BuildStore.Build failed = store.builds().find(request.buildId()).orElseThrow();
        assertThat(failed.status()).isEqualTo(BuildStatus.ERROR);
        assertThat(failed.reason()).isEqualTo(reason);
        assertThat(store.builds().start(request.buildId(), BuildPlan.Semantics.V2_1, NOW))
                .isFalse();
    }

    @Test
    void aNewerRequestLetsThoseFailThatWaitForTheSame() {
        BuildStore.Request old = asked(named("mine"), "a", "b");
        BuildStore.Request other = asked(named("mine"), "c");
        BuildStore.Request newer = asked(named("mine"), "b");
        List.of(old, other, newer).forEach(this::ask);
        assertThat(store.builds().active())
                .extracting(BuildStore.Build::id)
                .containsExactlyInAnyOrder(other.buildId(), newer.buildId());
        assertThat(store.builds().find(old.buildId()).orElseThrow().reason())
                .isEqualTo(new BuildStore.Reason("superseded", null));
    }

    @Test
    void aRequestThatCannotBeChangesNothing() {
        String promoted = register(null, "", "base", TestServer.build("0.6.13"));
        assertThat(ask(asked(named(promoted), "a"))).isEqualTo(new BuildStore.Outcome.NameIsId());
        assertThat(ask(asked(named("base"), "a"))).isEqualTo(new BuildStore.Outcome.NameTaken());
        assertThat(ask(asked(new BuildStore.Target.Existing(promoted, null), "a")))
                .isEqualTo(new BuildStore.Outcome.NoTemplate());
        String one = templateOf(asked(named("one"), "a"));
        String two = templateOf(asked(named("two"), "a"));
        BuildStore.Target renamed = new BuildStore.Target.Existing(one, new BuildStore.Target.Named("team", "two"));
        assertThat(ask(asked(renamed, "a"))).isEqualTo(new BuildStore.Outcome.NameTaken());
        ask(asked(named("three"), "a"));
        assertThat(ask(asked(named("four"), "a"))).isEqualTo(new BuildStore.Outcome.TooMany());
        assertThat(store.templates().ofTeam(team)).hasSize(3);
        assertThat(templateOf(asked(named("two"), "a"))).isEqualTo(two);
    }

    @Test
    void aTemplateHasOneName() {
        String id = templateOf(asked(new BuildStore.Target.Unnamed(), "a"));
        BuildStore.Target renamed = new BuildStore.Target.Existing(id, new BuildStore.Target.Named("team", "first"));
        assertThat(ask(asked(renamed, "a")))
                .isEqualTo(new BuildStore.Outcome.Waiting(id, false, List.of(new TemplateStore.Name("team", "first"))));
        ask(asked(new BuildStore.Target.Existing(id, new BuildStore.Target.Named("team", "second")), "a"));
        assertThat(store.templates().byAlias("team", "first")).isEmpty();
        assertThat(store.templates().byAlias("team", "second").orElseThrow().id())
                .isEqualTo(id);
    }

    @Test
    void buildsOfADeletedTemplateAreLeftToForget() {
        BuildStore.Request request = asked(named("mine"), "a");
        String template = templateOf(request);
        assertThat(store.builds().unforgotten()).isEmpty();
        store.templates().delete(template);
        assertThat(store.builds().find(request.buildId())).isEmpty();
        assertThat(store.builds().start(request.buildId(), BuildPlan.Semantics.V2_1, NOW))
                .isFalse();
        assertThat(store.builds().unforgotten()).containsExactly(request.buildId());
        store.builds().forgotten(request.buildId(), NOW);
        assertThat(store.builds().unforgotten()).isEmpty();
        assertThat(ask(asked(new BuildStore.Target.Existing(template, null), "a")))
                .isEqualTo(new BuildStore.Outcome.NoTemplate());
    }

    @Test
    void whatWasAskedForWithAPushedImageIsKept() {
        BuildStore.Pushed pushed = new BuildStore.Pushed("FROM a\nRUN b", "start", "");
        BuildStore.Request request = new BuildStore.Request(
                UUID.randomUUID(), team, null, named("mine"), List.of("a"), new Resources(1, 128, 0), 3, pushed);
        ask(request);
        BuildStore.Build build = store.builds().find(request.buildId()).orElseThrow();
        assertThat(build.pushed()).isEqualTo(pushed);
        assertThat(build.semantics()).isEqualTo(BuildPlan.Semantics.V1_0);
    }

    @Test
    void ofManyWhoStartABuildOneDoes() throws Exception {
        BuildStore.Request request = asked(named("mine"), "a");
        ask(request);
        assertThat(together(4, () -> store.builds().start(request.buildId(), BuildPlan.Semantics.V2_1, NOW)))
                .containsOnlyOnce(true);
    }

    @Test
    void manyWhoAskForANewTemplateGetOne() throws Exception {
        AtomicInteger tags = new AtomicInteger();
        List<String> ids = together(3, () -> templateOf(asked(named("mine"), "tag" + tags.incrementAndGet())));
        assertThat(ids).hasSize(3).containsOnly(ids.getFirst());
        assertThat(store.builds().active()).hasSize(3);
    }

    @Test
    void aBareNameIsGivenToOneTemplate() throws Exception {
        TemplateStore templates = store.templates();
        UUID otherTeam = UUID.randomUUID();
        store.teams().addTeam(otherTeam, "Other", "other", "tier");
        String mine = register(team, "team", "same", TestServer.build("0.6.13"));
        String theirs = register(otherTeam, "other", "same", TestServer.build("0.6.13"));
        Queue<String> both = new ConcurrentLinkedQueue<>(List.of(mine, theirs));
        assertThat(together(2, () -> templates.promote(both.remove()))).containsOnlyOnce(true);
        String winner = templates.byAlias("", "same").orElseThrow().id();
        assertThat(templates.promote(winner)).isTrue();
        assertThat(templates.promote(winner.equals(mine) ? theirs : mine)).isFalse();
        templates.setPublic(winner, true);
        assertThat(templates.listing(winner).orElseThrow().isPublic()).isTrue();
        assertThat(templates.listing(winner).orElseThrow().names()).hasSize(2);
    }

    @Test
    void everyFieldOfABuildIsKept() {
        TemplateBuild build = new TemplateBuild(
                UUID.randomUUID(),
                List.of("sha256:a", "sha256:\u00e4\"'"),
                new Resources(7, 4321, 99),
                "1.2.3",
                "röot",
                "/a b",
                new TemplateStart(
                        "echo '$x' && \"y\"\n\ttrue", "", new BuildContext("röot", "/a b", Map.of("KEY", "välue\n"))));
        String id = register(team, "team", "näme", build);
        assertThat(store.templates().newestReadyBuild(id, "default")).contains(build);
    }

    @Test
    void textIsKeptWhateverIsInIt() {
        String odd = "a=b&c,d.e(f)\"g\" 'h'; -- %41 + * \\ ? :i {j} \u2028 \uD83E\uDDC0";
        store.teams().ensureTeam(new TeamStore.NewTeam(UUID.randomUUID(), odd, odd, "tier", UUID.randomUUID()));
        assertThat(store.teams().bySlug(odd).orElseThrow().name()).isEqualTo(odd);
        store.teams().setStanding(team, new Team.Standing(false, true, odd));
        assertThat(store.teams().byId(team).orElseThrow().standing().blockedReason())
                .isEqualTo(odd);
        SandboxRecord sandbox = starting(null, Map.of(odd, odd, "control", "\u0000\u0001\u001f\u007f"));
        store.sandboxes().begin(sandbox);
        assertThat(store.sandboxes().all()).containsExactly(sandbox);
    }

    @Test
    void aLargeValueIsKeptWhole() {
        SandboxRecord sandbox = starting(null, Map.of("large", "ü".repeat(1_000_000)));
        store.sandboxes().begin(sandbox);
        assertThat(store.sandboxes().all()).containsExactly(sandbox);
    }

    @Test
    void metadataKeepsItsOrder() {
        Map<String, String> metadata = new LinkedHashMap<>();
        List.of("z", "a", "m", "b").forEach(key -> metadata.put(key, key));
        store.sandboxes().begin(starting(null, metadata));
        assertThat(store.sandboxes().all().getFirst().options().metadata()).containsExactlyEntriesOf(metadata);
    }

    @Test
    void theLastEndingOfANameIsTold() {
        SandboxRecord first = started();
        store.sandboxes().end(first.id(), first.executionId(), KillReason.TIMEOUT, NOW);
        SandboxRecord second = new SandboxRecord(
                first.id(),
                UUID.randomUUID(),
                team,
                first.origin(),
                first.resources(),
                first.options(),
                SandboxState.STARTING,
                NOW,
                NOW.plusSeconds(1));
        store.sandboxes().begin(second);
        store.sandboxes().end(second.id(), second.executionId(), KillReason.REQUEST, NOW.plusMillis(1));
        assertThat(store.sandboxes().ending(first.id()).orElseThrow().executionId())
                .isEqualTo(second.executionId());
        assertThat(store.sandboxes().forgetEndings(NOW.plusSeconds(1))).isEqualTo(2);
    }

    @Test
    void theDefaultTeamIsMadeOnceByServersThatStartTogether() throws Exception {
        ControlSettings settings = ControlSettings.withSeed("seed");
        List<Optional<String>> keys = together(3, () -> new Bootstrap(store).ensureDefaultTeam(settings));
        assertThat(keys.stream().flatMap(Optional::stream)).hasSize(1);
    }

    @Test
    void aKeyNeedsItsTeam() {
        TeamStore.StoredKey stray =
                new TeamStore.StoredKey(UUID.randomUUID(), UUID.randomUUID(), "stray", ApiKeys.mint());
        assertThatThrownBy(() -> store.teams().addKey(stray)).isInstanceOf(RuntimeException.class);
    }
}
