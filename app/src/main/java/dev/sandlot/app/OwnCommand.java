package dev.sandlot.app;

import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * How this process was started, as the kernel keeps it ({@code /proc/self/cmdline}, each part ends with a zero byte):
 * {@code java OPTIONS -cp CLASS_PATH MAIN ARGUMENTS}.
 */
record OwnCommand(List<String> options, List<String> arguments) {
    static OwnCommand read() throws IOException {
        List<String> all = List.of(ProcFile.read(Path.of("/proc/self/cmdline")).split("\0", -1));
        int main = all.indexOf(Main.class.getName());
        if (main < 3) {
            throw new IOException("this process was not started by way of " + Main.class.getName());
        }
        return new OwnCommand(
                List.copyOf(all.subList(1, main - 2)), List.copyOf(all.subList(main + 1, all.size() - 1)));
    }

    static String java() {
        return Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
    }

    static String classPath() {
        return System.getProperty("java.class.path", "");
    }
}
