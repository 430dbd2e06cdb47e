package dev.sandlot.linux;

import java.util.Set;

/** What kind of file system something is on, as far as this program treats it differently. */
public enum FileSystemKind {
    /** Files that hold data. */
    ORDINARY,
    /** Files that are switches and views of the kernel: proc, sysfs, cgroup and their like. */
    KERNEL,
    /** Files of another machine or of a program: NFS, SMB, FUSE. */
    REMOTE;

    // linux/magic.h: proc, sysfs, cgroup, cgroup2, securityfs, debugfs, tracefs, bpf, configfs, selinux, efivarfs,
    // binfmt_misc, pstore, nsfs, smack, resctrl
    private static final Set<Long> KERNEL_MAGIC = Set.of(
            0x9FA0L,
            0x62656572L,
            0x27E0EBL,
            0x63677270L,
            0x73636673L,
            0x64626720L,
            0x74726163L,
            0xCAFE4A11L,
            0x62656570L,
            0xF97CFF8CL,
            0xDE5E81E4L,
            0x42494E4DL,
            0x6165676CL,
            0x6E736673L,
            0x43415D53L,
            0x7655821L);

    // nfs, cifs, smb2, smb, fuse
    private static final Set<Long> REMOTE_MAGIC = Set.of(0x6969L, 0xFF534D42L, 0xFE534D42L, 0x517BL, 0x65735546L);

    static FileSystemKind of(long magic) {
        long number = magic & 0xFFFFFFFFL;
        if (KERNEL_MAGIC.contains(number)) {
            return KERNEL;
        }
        return REMOTE_MAGIC.contains(number) ? REMOTE : ORDINARY;
    }
}
