/* Giving up what only the setup of the sandbox needs. */
#include "supervisor.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORDS _LINUX_CAPABILITY_U32S_3
#define ADMIN_WORD CAP_TO_INDEX(CAP_SYS_ADMIN)
#define ADMIN_BIT CAP_TO_MASK(CAP_SYS_ADMIN)

static bool contained;

static int read_capabilities(struct __user_cap_data_struct data[WORDS]) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(SYS_capget, &header, data) < 0 ? errno : 0;
}

static int write_capabilities(struct __user_cap_data_struct data[WORDS]) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(SYS_capset, &header, data) < 0 ? errno : 0;
}

static int give_up_admin(struct __user_cap_data_struct data[WORDS]) {
    if (prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) < 0
        || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_SYS_ADMIN, 0, 0) < 0) {
        return errno;
    }
    data[ADMIN_WORD].effective &= ~ADMIN_BIT;
    data[ADMIN_WORD].permitted &= ~ADMIN_BIT;
    data[ADMIN_WORD].inheritable &= ~ADMIN_BIT;
    return write_capabilities(data);
}

/* Returns 0 or an errno: EPERM when CAP_SYS_ADMIN was never there. Once done, asking again changes nothing. */
int contain(void) {
    struct __user_cap_data_struct data[WORDS];
    if (contained) {
        return 0;
    }
    int error = read_capabilities(data);
    if (error != 0) {
        return error;
    }
    if ((data[ADMIN_WORD].effective & ADMIN_BIT) == 0) {
        return EPERM;
    }
    if (unshare(CLONE_NEWCGROUP) < 0) {
        return errno;
    }
    error = give_up_admin(data);
    contained = error == 0;
    return error;
}
