package dev.sandlot.envd;

/** Told of every line of a program's output, in the order of each stream, without its line end; on one thread. */
public interface ProgramLines {
    /** Nobody listens. */
    ProgramLines NONE = new ProgramLines() {
        @Override
        public void stdout(String line) {}

        @Override
        public void stderr(String line) {}
    };

    void stdout(String line);

    void stderr(String line);
}
