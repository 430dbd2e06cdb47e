package dev.sandlot.app;

import java.util.List;

/** What the kernel itself can do: {@code /proc/sys/kernel}, {@code /proc/filesystems}, {@code /proc/self/status}. */
final class KernelCheckup implements Doctor.Checkup {
    private static final String NEWER = "boot a newer kernel";
    private static final String OVERLAY_TRIAL = "cd \"$(mktemp -d)\" && mount -t tmpfs none . && mkdir l u w m"
            + " && mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m && touch m/f && [ -e u/f ]";

    private final Machine machine;
    private final KernelVersion version;
    private final String release;

    KernelCheckup(Machine machine) {
        this.machine = machine;
        this.release = machine.read("/proc/sys/kernel/osrelease").orElse("unknown");
        this.version = KernelVersion.parse(release).orElse(new KernelVersion(0, 0));
    }

    @Override
    public List<Finding> required() {
        return List.of(kernel(), overlay(), userNamespaces(), seccomp());
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        return List.of(overlayTrial(isRoot), idmappedMounts(), pidfd(), pause(), kvm());
    }

    private Finding kernel() {
        return version.isAtLeast(5, 11)
                ? Finding.ok("kernel", release)
                : Finding.missing("kernel", release + ", older than 5.11", NEWER);
    }

    private Finding overlay() {
        boolean known =
                machine.read("/proc/filesystems").orElse("").lines().anyMatch(line -> line.endsWith("\toverlay"));
        boolean module = machine.exists("/lib/modules/" + release + "/kernel/fs/overlayfs");
        return known || module
                ? Finding.ok("overlayfs", known ? "in the kernel" : "as a module, loaded when used")
                : Finding.missing("overlayfs", "not in /proc/filesystems", "modprobe overlay");
    }

    private Finding userNamespaces() {
        long most = machine.number("/proc/sys/user/max_user_namespaces").orElse(0);
        return most >= 100
                ? Finding.ok("user namespaces", "up to " + most)
                : Finding.missing(
                        "user namespaces",
                        "up to " + most + "; each sandbox needs one",
                        "sysctl -w user.max_user_namespaces=10000");
    }

    private Finding seccomp() {
        boolean filters = machine.read("/proc/sys/kernel/seccomp/actions_avail")
                .orElse("")
                .contains("errno");
        return filters
                ? Finding.ok("seccomp", "system call filters")
                : Finding.missing("seccomp", "no system call filters", "boot a kernel with CONFIG_SECCOMP_FILTER");
    }

    private Finding overlayTrial(boolean isRoot) {
        if (!isRoot) {
            return Finding.note("overlay mount", "not tried: needs root");
        }
        Machine.Outcome trial = machine.run(List.of(
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                OVERLAY_TRIAL + "; e=$?; d=$PWD; cd /; umount -R \"$d\" && rmdir \"$d\"; exit $e"));
        return trial.isSuccess()
                ? Finding.ok("overlay mount", "tried on tmpfs, works")
                : Finding.missing(
                        "overlay mount", "failed: " + trial.firstLine(), "allow mounts in this container or machine");
    }

    private Finding idmappedMounts() {
        return version.isAtLeast(5, 19)
                ? Finding.ok("idmapped layers", "this kernel has them (since 5.19; told by its version, not tried)")
                : Finding.degraded(
                        "idmapped layers",
                        "kernel " + release + " is older than 5.19: layers cannot be shared between user ranges",
                        NEWER);
    }

    private Finding pidfd() {
        return version.isAtLeast(5, 3)
                ? Finding.ok("pidfd", "since 5.3, told by the kernel's version")
                : Finding.degraded("pidfd", "not in " + release, NEWER);
    }

    private static Finding pause() {
        return Finding.note("pause", "not in this version, so CRIU is not looked for");
    }

    private Finding kvm() {
        String there = machine.exists("/dev/kvm") ? "there" : "not there";
        return Finding.note("/dev/kvm", there + ", and not used: this version has no microvm runtime");
    }
}
