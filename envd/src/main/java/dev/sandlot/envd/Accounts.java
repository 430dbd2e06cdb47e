package dev.sandlot.envd;

import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Fd;
import dev.sandlot.linux.FileNames;
import dev.sandlot.linux.FileStatus;
import dev.sandlot.linux.LinuxException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The users and groups of one sandbox, read from its own {@code /etc/passwd} and {@code /etc/group} (envd.md 2.3).
 *
 * <p>The files belong to the sandbox and may hold anything: only so much of them is read, lines that make no sense
 * are passed over, and numbers outside the sandbox's range do not exist. What was read is kept until a file
 * changes. Safe for several threads.
 */
public final class Accounts {
    private static final int MAX_SIZE = 1024 * 1024;

    private final SandboxFiles files;
    private volatile Parsed<Users> users = Parsed.none(new Users(Map.of(), Map.of()));
    private volatile Parsed<Groups> groups = Parsed.none(new Groups(List.of(), Map.of()));

    public Accounts(SandboxFiles files) {
        this.files = files;
    }

    /**
     * The user of a name; numbers are not names.
     *
     * @throws LinuxException when the files are there but cannot be read
     */
    public Optional<Account> user(String name) throws LinuxException {
        Account found = users().byName().get(name);
        return found == null ? Optional.empty() : Optional.of(withGroups(found));
    }

    /**
     * Who a template means by {@code USER[:GROUP]}, each a name or a number, as Docker takes it: a number needs no
     * entry, its user is of group 0 then and at home in the root directory; with a group it is of that group alone.
     * Nothing when a name, or a number that the sandbox does not have, is not known.
     *
     * @throws LinuxException when the files are there but cannot be read
     */
    public Optional<Account> ofTemplate(String text) throws LinuxException {
        int colon = text.indexOf(':');
        Optional<Account> user = nameOrNumber(colon < 0 ? text : text.substring(0, colon));
        String group = text.substring(colon + 1);
        if (user.isEmpty() || colon < 0 || group.isEmpty()) {
            return user;
        }
        OptionalInt gid = isId(group) ? OptionalInt.of(Integer.parseInt(group)) : group(group);
        return gid.isEmpty() ? Optional.empty() : user.map(account -> account.withGroup(gid.getAsInt()));
    }

    private Optional<Account> nameOrNumber(String text) throws LinuxException {
        Optional<Account> named = user(text);
        if (named.isPresent() || !isId(text)) {
            return named;
        }
        int uid = Integer.parseInt(text);
        String name = users().names().get(uid);
        return name == null ? Optional.of(Account.withoutEntry(uid)) : user(name);
    }

    /**
     * The number of the group of a name; numbers are not names.
     *
     * @throws LinuxException when the file is there but cannot be read
     */
    public OptionalInt group(String name) throws LinuxException {
        return groups().all().stream()
                .filter(group -> group.name().equals(name))
                .mapToInt(Group::gid)
                .findFirst();
    }

    /** The names of users and groups as they stand now. */
    Names names() throws LinuxException {
        return new Names(users().names(), groups().names());
    }

    private Account withGroups(Account user) throws LinuxException {
        List<Integer> all = new ArrayList<>();
        all.add(user.gid());
        for (Group group : groups().all()) {
            if (group.members().contains(user.name()) && !all.contains(group.gid())) {
                all.add(group.gid());
            }
        }
        return new Account(user.name(), user.uid(), user.gid(), all, user.home(), user.shell());
    }

    private Users users() throws LinuxException {
        Parsed<Users> now = users;
        Snapshot snapshot = Snapshot.take(files, "/etc/passwd", now.status());
        if (!snapshot.changed()) {
            return now.value();
        }
        Users read = parseUsers(snapshot.text());
        users = new Parsed<>(snapshot.status(), read);
        return read;
    }

    private Groups groups() throws LinuxException {
        Parsed<Groups> now = groups;
        Snapshot snapshot = Snapshot.take(files, "/etc/group", now.status());
        if (!snapshot.changed()) {
            return now.value();
        }
        Groups read = parseGroups(snapshot.text());
        groups = new Parsed<>(snapshot.status(), read);
        return read;
    }

    private Users parseUsers(String text) {
        Users out = new Users(new HashMap<>(), new HashMap<>());
        for (String line : text.split("\n")) {
            String[] fields = line.split(":", -1);
            if (fields.length >= 7 && isName(fields[0]) && isId(fields[2]) && isId(fields[3])) {
                int uid = Integer.parseInt(fields[2]);
                int gid = Integer.parseInt(fields[3]);
                Account user = new Account(fields[0], uid, gid, List.of(gid), fields[5], fields[6].strip());
                out.byName().putIfAbsent(fields[0], user);
                out.names().putIfAbsent(uid, fields[0]);
            }
        }
        return out;
    }

    private Groups parseGroups(String text) {
        Groups out = new Groups(new ArrayList<>(), new HashMap<>());
        for (String line : text.split("\n")) {
            String[] fields = line.split(":", -1);
            if (fields.length >= 4 && isName(fields[0]) && isId(fields[2])) {
                List<String> members = Arrays.asList(fields[3].strip().split(","));
                int gid = Integer.parseInt(fields[2]);
                out.all().add(new Group(fields[0], gid, members));
                out.names().putIfAbsent(gid, fields[0]);
            }
        }
        return out;
    }

    private static boolean isName(String text) {
        return !text.isEmpty() && text.charAt(0) != '#' && text.charAt(0) != '+' && text.charAt(0) != '-';
    }

    private boolean isId(String text) {
        boolean digits = !text.isEmpty() && text.length() <= 9 && text.chars().allMatch(c -> c >= '0' && c <= '9');
        return digits && files.ids().contains(Integer.parseInt(text));
    }

    /** The names of users and groups by number. */
    record Names(Map<Integer, String> users, Map<Integer, String> groups) {
        /** The name of a user; the number as text when it has none. */
        String user(int uid) {
            return users.getOrDefault(uid, Integer.toString(uid));
        }

        /** The name of a group; the number as text when it has none. */
        String group(int gid) {
            return groups.getOrDefault(gid, Integer.toString(gid));
        }
    }

    private record Users(Map<String, Account> byName, Map<Integer, String> names) {}

    private record Groups(List<Group> all, Map<Integer, String> names) {}

    private record Group(String name, int gid, List<String> members) {}

    private record Parsed<T>(@Nullable FileStatus status, T value) {
        static <T> Parsed<T> none(T value) {
            return new Parsed<>(null, value);
        }
    }

    /** A file as it stands, or the news that it is as it was. */
    private record Snapshot(boolean changed, @Nullable FileStatus status, String text) {
        static Snapshot take(SandboxFiles files, String path, @Nullable FileStatus known) throws LinuxException {
            try (Fd handle = files.handle(path)) {
                FileStatus status = files.status(handle);
                if (status.equals(known)) {
                    return new Snapshot(false, known, "");
                }
                return new Snapshot(true, status, read(files, handle));
            } catch (LinuxException e) {
                if (e.is(Errno.ENOENT) || e.is(Errno.ENOTDIR) || e.is(Errno.ELOOP)) {
                    return new Snapshot(true, null, "");
                }
                throw e;
            }
        }

        private static String read(SandboxFiles files, Fd handle) throws LinuxException {
            try (SandboxFile file = files.read(handle)) {
                return FileNames.decode(file.readUpTo(MAX_SIZE));
            }
        }
    }
}
