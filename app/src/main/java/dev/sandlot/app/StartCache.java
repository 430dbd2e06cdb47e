package dev.sandlot.app;

import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The classes of the server in the form that the JVM keeps them in (an archive of class data, as CDS calls it), which
 * shortens a start. The launcher names the file, next to the jars, after the JDK and its options, and tells
 * its name by a property.
 *
 * <p>A server that was started without has its JVM write down the classes that it loads. Some time after it began to
 * serve, when the first requests have been answered too, another JVM makes the archive of that list, at the lowest
 * priority. A file that the JVM did not take, as for other jars, is removed, and the next start is one without. The
 * file may be removed at any time. Of several servers one makes it.
 */
final class StartCache implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StartCache.class);
    private static final String PROPERTY = "sandlot.start.cache";
    private static final String USE = "-XX:SharedArchiveFile=";
    private static final String RECORD = "-XX:DumpLoadedClassList=";
    private static final String PID = ".pid"; // as the JVM writes %p
    private static final String LIST = ".classes";
    private static final Duration AFTER = Duration.ofSeconds(10);
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final Path file;
    private final List<String> options;
    private final Thread thread;
    private volatile @Nullable Process maker;

    private StartCache(Path file, List<String> options) {
        this.file = file;
        this.options = options;
        this.thread = Thread.ofPlatform().daemon().name("start-cache").unstarted(this::run);
    }

    /** Where the archive of this program is or will be; none when the launcher named none. */
    static Optional<Path> file() {
        return Optional.ofNullable(System.getProperty(PROPERTY)).map(Path::of);
    }

    /** Begins to look after the archive; returns at once. */
    static Optional<StartCache> keep() throws IOException {
        Optional<Path> file = file();
        if (file.isEmpty()) {
            return Optional.empty();
        }
        StartCache cache = new StartCache(file.get(), OwnCommand.read().options());
        cache.thread.start();
        return Optional.of(cache);
    }

    @Override
    public void close() {
        thread.interrupt();
        Process running = maker;
        if (running != null) {
            running.destroyForcibly();
        }
    }

    private void run() {
        try {
            if (options.contains(USE + file)) {
                removeIfRefused();
            } else if (options.stream().anyMatch(option -> option.startsWith(RECORD))) {
                Thread.sleep(AFTER);
                makeAlone();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            LOG.warn("starts stay slow: {} could not be made", file, e);
        }
    }

    private void removeIfRefused() throws IOException {
        boolean used = ProcFile.lines(Path.of("/proc/self/maps")).stream().anyMatch(line -> line.endsWith("" + file));
        if (!used) {
            LOG.info("{} does not fit this JDK or these jars; the next start makes it anew", file);
            Files.deleteIfExists(file);
        }
    }

    private void makeAlone() throws IOException, InterruptedException {
        try (FileChannel channel =
                        FileChannel.open(sibling(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            if (lock != null && !Files.exists(file)) {
                make();
            }
        } finally {
            removeLists();
        }
    }

    private void make() throws IOException, InterruptedException {
        long begun = System.nanoTime();
        Path list = sibling(".list");
        Path fresh = sibling(".new");
        Path log = sibling(".log");
        try {
            Files.write(list, wholeLines(recorded()));
            int code = runMaker(list, fresh, log);
            if (code != 0) {
                throw new IOException("java -Xshare:dump ended with " + code + ": " + Files.readString(log));
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            LOG.info("made {} in {} s; the next start is faster", file, (System.nanoTime() - begun) / 1_000_000_000);
        } finally {
            Files.deleteIfExists(list);
            Files.deleteIfExists(fresh);
            Files.deleteIfExists(log);
        }
    }

    private int runMaker(Path list, Path fresh, Path log) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("nice", "-n", "19", OwnCommand.java()));
        options.stream().filter(option -> !option.startsWith(RECORD)).forEach(command::add);
        command.addAll(List.of("-Xshare:dump", "-XX:+AOTClassLinking", "-Xlog:disable", "-Xlog:all=error"));
        command.addAll(List.of("-XX:SharedClassListFile=" + list, USE + fresh, "-cp", OwnCommand.classPath()));
        Process running = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        maker = running;
        try {
            if (!running.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                throw new IOException("java -Xshare:dump took more than " + LIMIT.toMinutes() + " minutes");
            }
            return running.exitValue();
        } finally {
            running.destroyForcibly();
        }
    }

    /** The JVM writes through a buffer; the last line may be there in part. */
    private static List<String> wholeLines(Path recorded) throws IOException {
        String text = Files.readString(recorded);
        return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    }

    private Path recorded() {
        return sibling(PID + ProcessHandle.current().pid() + LIST);
    }

    private Path sibling(String suffix) {
        return file.resolveSibling(file.getFileName() + suffix);
    }

    /** Lists of this process and of those that are no more. */
    private void removeLists() throws IOException {
        String prefix = file.getFileName() + PID;
        try (Stream<Path> entries = Files.list(file.toAbsolutePath().getParent())) {
            List<Path> lists = entries.filter(path -> isOld(path.getFileName().toString(), prefix))
                    .toList();
            for (Path list : lists) {
                Files.deleteIfExists(list);
            }
        }
    }

    private static boolean isOld(String name, String prefix) {
        if (!name.startsWith(prefix) || !name.endsWith(LIST)) {
            return false;
        }
        String pid = name.substring(prefix.length(), name.length() - LIST.length());
        return pid.equals(Long.toString(ProcessHandle.current().pid())) || !Files.exists(Path.of("/proc", pid));
    }
}
