package dev.sandlot.linux;

import java.io.IOException;

/** A system call that failed: which call, on what, and the kernel's reason. */
public final class LinuxException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int number;
    private final String call;
    private final String subject;

    /**
     * @param call the system call, for example {@code openat2}
     * @param subject what it was about, for example a path; may be empty
     * @param number the error number the kernel gave
     */
    public LinuxException(String call, String subject, int number) {
        super(subject.isEmpty() ? call + ": " + name(number) : call + " " + subject + ": " + name(number));
        this.call = call;
        this.subject = subject;
        this.number = number;
    }

    /** The reason, for {@code switch}. */
    public Errno errno() {
        return Errno.of(number);
    }

    /** The kernel's error number. */
    public int number() {
        return number;
    }

    /** The system call that failed. */
    public String call() {
        return call;
    }

    /** What the call was about; may be empty. */
    public String subject() {
        return subject;
    }

    /** Whether the reason is the given one. */
    public boolean is(Errno errno) {
        return errno() == errno;
    }

    private static String name(int number) {
        Errno errno = Errno.of(number);
        return errno == Errno.OTHER ? "errno " + number : errno.name();
    }
}
