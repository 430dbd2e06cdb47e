package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a fresh server makes for itself (public-api.md 2.2, 22). */
class BootstrapTest {
    @TempDir
    Path directory;

    @Test
    void theFirstKeyIsHandedOutOnce() {
        try (SqlStore store = SqlStore.openSqlite(directory.resolve("a.db"))) {
            Bootstrap bootstrap = new Bootstrap(store);
            ControlSettings settings = ControlSettings.withSeed("s");
            String key = bootstrap.ensureDefaultTeam(settings).orElseThrow();
            UUID team = bootstrap.defaultTeamId();
            assertThat(bootstrap.ensureDefaultTeam(settings.withLimits(3, 2))).isEmpty();
            assertThat(bootstrap.defaultTeamId()).isEqualTo(team);
            Team found =
                    store.teams().byKeyHash(ApiKeys.hashOf(key).orElseThrow()).orElseThrow();
            assertThat(found.limits()).isEqualTo(new Team.Limits(3, 2));
            String second = bootstrap.issueKey("second");
            assertThat(store.teams().byKeyHash(ApiKeys.hashOf(second).orElseThrow()))
                    .contains(found);
        }
    }

    @Test
    void keysThatAreMadeAnewDoNotPileUp() {
        try (Store store = SqlStore.openMemory()) {
            Bootstrap bootstrap = new Bootstrap(store);
            String first =
                    bootstrap.ensureDefaultTeam(ControlSettings.withSeed("s")).orElseThrow();
            String lost = bootstrap.issueKey("made anew for /a");
            String next = bootstrap.issueKey("made anew for /a");
            String other = bootstrap.issueKey("made anew for /b");
            assertThat(bootstrap.isKeyOfDefaultTeam(lost)).isFalse();
            assertThat(List.of(first, next, other)).allMatch(bootstrap::isKeyOfDefaultTeam);
        }
    }

    /** A data directory whose database was replaced has a key that opens nothing. */
    @Test
    void aKeyOfAnotherStoreIsNotTaken() {
        try (Store one = SqlStore.openMemory();
                Store other = SqlStore.openMemory()) {
            ControlSettings settings = ControlSettings.withSeed("s");
            String key = new Bootstrap(one).ensureDefaultTeam(settings).orElseThrow();
            new Bootstrap(other).ensureDefaultTeam(settings);
            assertThat(new Bootstrap(one).isKeyOfDefaultTeam(key)).isTrue();
            assertThat(new Bootstrap(other).isKeyOfDefaultTeam(key)).isFalse();
            assertThat(new Bootstrap(one).isKeyOfDefaultTeam("")).isFalse();
            assertThat(new Bootstrap(one).isKeyOfDefaultTeam("e2b_xyz")).isFalse();
        }
    }

    /** 2.2: the hash is over the bytes, not the text. */
    @Test
    void keysAreHashedAndMaskedAsTheContractSays() {
        assertThat(ApiKeys.hashOf("e2b_" + "00".repeat(20)))
                .contains("$sha256$3kfJsn640wDbtfLDU+Yyw5MmLPBjQMT6fxtAxMvTb5A");
        ApiKeys.Minted key = ApiKeys.mint();
        assertThat(key.raw()).matches("e2b_[0-9a-f]{40}");
        assertThat(key.raw()).startsWith("e2b_" + key.maskPrefix()).endsWith(key.maskSuffix());
        assertThat(key.maskPrefix()).hasSize(2);
        assertThat(key.maskSuffix()).hasSize(4);
        assertThat(key.length()).isEqualTo(40);
        assertThat(ApiKeys.hashOf(key.raw())).contains(key.hash());
        assertThat(key.toString()).doesNotContain(key.raw());
    }

    @Test
    void settingsHaveTheirDefaultsAndHideTheirSecrets() {
        ControlSettings settings = ControlSettings.withSeed("the seed").withAdminToken("the token");
        assertThat(settings.concurrentSandboxes()).isEqualTo(1000);
        assertThat(settings.maxLengthHours()).isEqualTo(24);
        assertThat(settings.endingsKept()).isEqualTo(Duration.ofDays(7));
        assertThat(settings.toString()).doesNotContain("the seed").doesNotContain("the token");
        assertThatThrownBy(() -> ControlSettings.withSeed(" ")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings.withLimits(0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> settings.withLimits(1, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
