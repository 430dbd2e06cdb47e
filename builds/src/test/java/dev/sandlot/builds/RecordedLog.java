package dev.sandlot.builds;

import dev.sandlot.protocol.BuildLogEntry;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Keeps what a build says, as {@code LEVEL step text}. */
final class RecordedLog implements BuildLog {
    final List<String> lines = new CopyOnWriteArrayList<>();

    @Override
    public void line(BuildLogEntry.Level level, String step, String text) {
        lines.add(level + " " + step + " " + text);
    }
}
