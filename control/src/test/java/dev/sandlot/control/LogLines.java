package dev.sandlot.control;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What is logged meanwhile, at the level of information and above. */
final class LogLines implements AutoCloseable {
    private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    private final Logger own = (Logger) LoggerFactory.getLogger("dev.sandlot");
    private final @Nullable Level before = own.getLevel();
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();

    LogLines() {
        own.setLevel(Level.INFO);
        appender.start();
        root.addAppender(appender);
    }

    /** The lines of this program's classes. */
    List<ILoggingEvent> all() {
        return List.copyOf(appender.list).stream()
                .filter(line -> line.getLevel().isGreaterOrEqual(Level.INFO))
                .filter(line -> line.getLoggerName().startsWith("dev.sandlot"))
                .toList();
    }

    List<String> texts() {
        return all().stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Override
    public void close() {
        root.detachAppender(appender);
        own.setLevel(before);
    }
}
