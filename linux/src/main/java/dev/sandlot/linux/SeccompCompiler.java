package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.LONG;
import static dev.sandlot.linux.Native.POINTER;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Compiles a list of system calls into the program that seccomp loads, by libseccomp, for the machine's own
 * architecture. For one thread.
 */
public final class SeccompCompiler implements AutoCloseable {
    /** What happens to a call: it is let through, or fails with an error number. */
    public record Action(int code) {
        /** The call is let through. */
        public static final Action ALLOW = new Action(0x7fff0000);

        /** The call fails. */
        public static Action error(int errno) {
            return new Action(0x00050000 | errno);
        }
    }

    /**
     * A condition on one argument of a call: after masking, it equals a value.
     *
     * @param argument its place, from 0
     */
    public record Condition(int argument, long mask, long value) {}

    private static final String LIBRARY = "libseccomp.so.2";
    private static final int UNKNOWN_CALL = -1;
    private static final int ATTRIBUTE_OPTIMIZE = 8;
    private static final int BINARY_TREE = 2;
    private static final int MASKED_EQUAL = 7;
    private static final int ALREADY_SO = -17;
    private static final long CONDITION_BYTES = 24;

    private final Arena arena = Arena.ofConfined();
    private final SymbolLookup library;
    private final MemorySegment context;

    private SeccompCompiler(SymbolLookup library, Action otherwise) throws IOException {
        this.library = library;
        try {
            context = (MemorySegment) call("seccomp_init", POINTER, INT).invokeExact(otherwise.code());
            if (context.address() == 0) {
                throw new IOException("libseccomp could not begin a program");
            }
            check("optimize", (int) call("seccomp_attr_set", INT, POINTER, INT, INT)
                    .invokeExact(context, ATTRIBUTE_OPTIMIZE, BINARY_TREE));
        } catch (IOException e) {
            arena.close();
            throw e;
        } catch (Throwable t) {
            arena.close();
            throw Native.unexpected(t);
        }
    }

    /**
     * Begins a program.
     *
     * @param otherwise what happens to calls that no rule names
     * @return empty when the machine has no libseccomp
     */
    public static Optional<SeccompCompiler> open(Action otherwise) throws IOException {
        SymbolLookup library;
        try {
            library = SymbolLookup.libraryLookup(LIBRARY, Arena.global());
        } catch (IllegalArgumentException absent) {
            return Optional.empty();
        }
        return Optional.of(new SeccompCompiler(library, otherwise));
    }

    /** Adds a rule; a call that this architecture does not know is passed over. All conditions must hold. */
    public void add(Action action, String name, List<Condition> conditions) throws IOException {
        try {
            int number =
                    (int) call("seccomp_syscall_resolve_name", INT, POINTER).invokeExact(arena.allocateFrom(name));
            if (number == UNKNOWN_CALL) {
                return;
            }
            int result = (int) call("seccomp_rule_add_array", INT, POINTER, INT, INT, INT, POINTER)
                    .invokeExact(context, action.code(), number, conditions.size(), laidOut(conditions));
            if (result != ALREADY_SO) {
                check("rule for " + name, result);
            }
        } catch (IOException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** {@code struct scmp_arg_cmp}: argument, operator, then two operands: the mask and what must be left by it. */
    private MemorySegment laidOut(List<Condition> conditions) {
        MemorySegment array = arena.allocate(Math.max(1, conditions.size()) * CONDITION_BYTES, 8);
        for (int i = 0; i < conditions.size(); i++) {
            Condition condition = conditions.get(i);
            long at = i * CONDITION_BYTES;
            array.set(INT, at, condition.argument());
            array.set(INT, at + 4, MASKED_EQUAL);
            array.set(LONG, at + 8, condition.mask());
            array.set(LONG, at + 16, condition.value());
        }
        return array;
    }

    /** The program: an array of {@code struct sock_filter}. */
    public byte[] program() throws IOException {
        try (Fd memory = HostFiles.memory("seccomp")) {
            check("export", (int) call("seccomp_export_bpf", INT, POINTER, INT).invokeExact(context, memory.number()));
            return Files.readAllBytes(Path.of(memory.procPath()));
        } catch (IOException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    private MethodHandle call(String name, MemoryLayout result, MemoryLayout... arguments) {
        MemorySegment address =
                library.find(name).orElseThrow(() -> new UnsupportedOperationException(LIBRARY + " has no " + name));
        return Linker.nativeLinker().downcallHandle(address, FunctionDescriptor.of(result, arguments));
    }

    private static void check(String what, int result) throws IOException {
        if (result < 0) {
            throw new IOException("libseccomp refused the " + what + ": " + Errno.of(-result));
        }
    }

    @Override
    public void close() {
        try {
            Linker.nativeLinker()
                    .downcallHandle(library.find("seccomp_release").orElseThrow(), FunctionDescriptor.ofVoid(POINTER))
                    .invokeExact(context);
        } catch (Throwable t) {
            throw Native.unexpected(t);
        } finally {
            arena.close();
        }
    }
}
