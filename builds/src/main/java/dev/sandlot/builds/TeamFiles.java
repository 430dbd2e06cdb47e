package dev.sandlot.builds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/** Files of teams: {@code TEAM/NAME}. */
record TeamFiles(Path directory) {
    /** A file of a team. */
    record TeamFile(UUID teamId, Path path) {}

    Path of(UUID teamId, String name) {
        return directory.resolve(teamId.toString()).resolve(name);
    }

    /** All that are whole; what is not of this form is passed over. Others may come and go meanwhile. */
    List<TeamFile> all() throws IOException {
        List<TeamFile> found = new ArrayList<>();
        for (Path home : listed(directory)) {
            Optional<UUID> team = uuid(home.getFileName().toString());
            if (team.isPresent() && Files.isDirectory(home)) {
                listed(home).stream()
                        .filter(file -> !DurableFile.isUnfinished(file) && Files.isRegularFile(file))
                        .forEach(file -> found.add(new TeamFile(team.get(), file)));
            }
        }
        return found;
    }

    /** By name alone: a walk looks at each file, and fails when one has gone by then. */
    private static List<Path> listed(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    /** Removes files that were not finished. */
    void removeUnfinished() throws IOException {
        try (Stream<Path> files = Files.walk(directory, 2)) {
            for (Path file : files.filter(DurableFile::isUnfinished).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    static Optional<UUID> uuid(String text) {
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException other) {
            return Optional.empty();
        }
    }
}
