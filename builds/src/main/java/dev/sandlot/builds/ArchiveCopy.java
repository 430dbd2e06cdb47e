package dev.sandlot.builds;

import dev.sandlot.envd.Account;
import dev.sandlot.envd.Accounts;
import dev.sandlot.images.BadLayerException;
import dev.sandlot.images.FileArchive;
import dev.sandlot.images.UnpackLimits;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Copies by unpacking the upload straight to where it belongs (template-build.md 5.5 and 6).
 *
 * <p>Beyond the contract: a file whose target is a directory that exists goes into it, as {@code mv} would have it;
 * directories that have to be made above the content get its owner and mode 0755; owners may be numbers.
 */
final class ArchiveCopy implements FileCopy {
    /** A million entries, paths of 4 KiB, 25 GiB in all. */
    static final UnpackLimits LIMITS = new UnpackLimits(1_000_000, 4000, 25L << 30);

    private static final Duration LIMIT = Duration.ofMinutes(10);

    private final UnpackLimits limits;
    private final Duration limit;

    ArchiveCopy() {
        this(LIMITS, LIMIT);
    }

    ArchiveCopy(UnpackLimits limits, Duration limit) {
        this.limits = limits;
        this.limit = limit;
    }

    @Override
    public void copy(Request request, WorkSandbox sandbox) throws BuildFailure, IOException, InterruptedException {
        Accounts accounts = new Accounts(sandbox.files());
        CopySource source = CopySource.of(request.source());
        CopyTarget target = CopyTarget.of(request.target(), workdir(request, accounts));
        String name = request.owner().isEmpty() ? request.user() : request.owner();
        CopyOwner owner = CopyOwner.of(name, accounts);
        OptionalInt mode = mode(request.mode());
        try (FileArchive archive = FileArchive.open(Files.newInputStream(request.archive()), limits);
                CopyTree tree = new CopyTree(
                        sandbox.files().rootHandle(), sandbox.files().ids(), owner, mode)) {
            new Run(archive, source, target, tree).toTheEnd(request.source());
        } catch (BadLayerException e) {
            throw new BuildFailure(null, "could not copy '" + request.source() + "': " + e.getMessage(), e);
        } catch (LinuxException e) {
            throw explained(request, e);
        }
    }

    private static String workdir(Request request, Accounts accounts) throws BuildFailure, IOException {
        if (!request.workdir().isEmpty() || request.target().startsWith("/")) {
            return request.workdir();
        }
        Account user = accounts.ofTemplate(request.user())
                .orElseThrow(
                        () -> new BuildFailure(null, "the user '" + request.user() + "' is not known to the sandbox"));
        return user.home();
    }

    private static OptionalInt mode(String text) throws BuildFailure {
        if (text.isEmpty()) {
            return OptionalInt.empty();
        }
        if (!text.matches("0*[0-7]{1,4}")) {
            throw new BuildFailure(null, "the mode '" + text + "' is not octal");
        }
        return OptionalInt.of(Integer.parseInt(text, 8));
    }

    private static BuildFailure explained(Request request, LinuxException e) throws LinuxException {
        String subject = FileNames.printable(e.subject());
        String why = switch (e.errno()) {
            case EXDEV -> "'" + subject + "' is not on the template's own file system";
            case ENOTDIR -> "'" + subject + "' leads through something that is no directory";
            case ELOOP -> "'" + subject + "' leads through too many links";
            case ENAMETOOLONG -> "'" + subject + "' is too long";
            case EEXIST, ENOENT, EBUSY -> "'" + subject + "' cannot be made: " + e.getMessage();
            case EINVAL, EISDIR, EPERM -> "'" + subject + "' cannot be written: " + e.getMessage();
            case ENOSPC, EDQUOT -> "no space is left";
            default -> throw e;
        };
        return new BuildFailure(
                null, "could not copy '" + request.source() + "' to '" + request.target() + "': " + why, e);
    }

    /** One copy. */
    private final class Run implements CopyTree.Progress {
        private final FileArchive archive;
        private final CopySource source;
        private final CopyTarget target;
        private final CopyTree tree;
        private final long end = System.nanoTime() + limit.toNanos();
        /** Where files of the archive went, for the hard links to them. */
        private final Map<String, String> placed = new HashMap<>();

        private boolean targetMade;
        private boolean found;

        Run(FileArchive archive, CopySource source, CopyTarget target, CopyTree tree) {
            this.archive = archive;
            this.source = source;
            this.target = target;
            this.tree = tree;
        }

        void toTheEnd(String asWritten) throws BuildFailure, IOException, InterruptedException {
            Optional<FileArchive.Entry> next = archive.next();
            while (next.isPresent()) {
                check();
                Optional<String> below = source.below(next.get().path());
                if (below.isPresent()) {
                    place(next.get(), below.get());
                }
                next = archive.next();
            }
            if (source.prefix().isEmpty()) {
                makeTarget();
            } else if (!found) {
                throw new BadLayerException("'" + asWritten + "' is not among the uploaded files");
            }
        }

        @Override
        public void check() throws BuildFailure, InterruptedException {
            if (Thread.interrupted()) {
                throw new InterruptedException("the copy was ended");
            }
            if (System.nanoTime() - end > 0) {
                throw new BuildFailure(null, "copying took longer than " + limit.toSeconds() + " s");
            }
        }

        private void place(FileArchive.Entry entry, String below)
                throws BuildFailure, IOException, InterruptedException {
            found = true;
            boolean isSource = below.isEmpty();
            if (isSource && entry.kind() != FileArchive.Kind.DIRECTORY) {
                put(entry, exactPath());
                return;
            }
            makeTarget();
            if (!isSource) {
                put(entry, target.child(below));
            }
        }

        private String exactPath() throws IOException {
            if (target.mustBeDirectory()) {
                makeTarget();
            }
            boolean into = target.mustBeDirectory() || tree.isDirectory(target.path());
            return into ? target.child(source.name()) : target.path();
        }

        private void put(FileArchive.Entry entry, String at) throws BuildFailure, IOException, InterruptedException {
            switch (entry.kind()) {
                case DIRECTORY -> tree.directory(at, entry);
                case FILE -> {
                    tree.file(at, entry, archive, this);
                    placed.put(entry.path(), at);
                }
                case SYMLINK -> tree.symlink(at, entry);
                case HARD_LINK -> hardLink(entry, at);
            }
        }

        private void hardLink(FileArchive.Entry entry, String at) throws IOException {
            String existing = placed.get(entry.link());
            if (existing == null) {
                throw new BadLayerException("'" + FileNames.printable(entry.path()) + "' is a hard link to '"
                        + FileNames.printable(entry.link()) + "', which is no file of the source before it");
            }
            if (!existing.equals(at)) {
                tree.hardLink(at, existing);
                placed.put(entry.path(), at);
            }
        }

        private void makeTarget() throws IOException {
            if (!targetMade) {
                tree.makeDirectories(target.path());
                targetMade = true;
            }
        }
    }
}
