package dev.sandlot.envd;

import dev.sandlot.linux.LinuxException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The certificates that the control plane adds to those a sandbox trusts (envd.md 8.5): at the end of the bundle
 * that programs read, and kept in a file of their own from which the sandbox's own tools make the bundle anew.
 *
 * <p>What is kept there also tells a program that starts anew what an earlier one has added. Installs take turns.
 */
final class CertificateBundle {
    private static final String BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
    private static final String KEPT = "/usr/local/share/ca-certificates/e2b-ca.crt";

    private final SystemFile bundle;
    private final SystemFile kept;
    private final ReentrantLock lock = new ReentrantLock();
    /** What was installed last by this program, empty for nothing yet. Guarded by {@link #lock}. */
    private String installed = "";

    CertificateBundle(SandboxFiles files) {
        this.bundle = new SystemFile(files, BUNDLE);
        this.kept = new SystemFile(files, KEPT);
    }

    /** Has the sandbox trust the certificates, and no longer those installed before; empty changes nothing. */
    void install(String pem) throws LinuxException {
        if (pem.isBlank()) {
            return;
        }
        String wanted = bytewise(pem.stripTrailing() + "\n");
        lock.lock();
        try {
            if (!wanted.equals(installed)) {
                put(wanted);
                installed = wanted;
            }
        } finally {
            lock.unlock();
        }
    }

    private void put(String wanted) throws LinuxException {
        String earlier = kept.text();
        String before = bundle.text();
        String after = replaced(before, earlier, wanted);
        if (!after.equals(before)) {
            bundle.replace(after);
        }
        if (!wanted.equals(earlier)) {
            kept.replace(wanted);
        }
    }

    /** The bundle without what was added earlier, and with what is wanted, once, at its end. */
    static String replaced(String bundle, String earlier, String wanted) {
        String rest = without(without(bundle, earlier), wanted);
        return rest.isEmpty() || rest.endsWith("\n") ? rest + wanted : rest + "\n" + wanted;
    }

    private static String without(String bundle, String part) {
        int at = part.isEmpty() ? -1 : bundle.indexOf(part);
        return at < 0 ? bundle : bundle.substring(0, at) + bundle.substring(at + part.length());
    }

    private static String bytewise(String text) {
        return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }
}
