/* Between fork and the command. Everything here runs in the child. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REPORT_FD 3
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_STARTED 126
#define IO_BEST_EFFORT_4 ((2 << 13) | 4)
#define IO_OF_PROCESS 1

static void fail(int report, enum step step) __attribute__((noreturn));

static void fail(int report, enum step step) {
    struct failure failure = {step, (uint32_t)errno};
    ssize_t written = write(report, &failure, sizeof failure);
    _exit(written == (ssize_t)sizeof failure ? EXIT_NOT_STARTED : EXIT_NOT_FOUND);
}

/* A number that an ended process of the table still has would make two of one name. */
static void refuse_taken_number(int report) {
    if (process_find(getpid()) != NULL) {
        errno = EAGAIN;
        fail(report, STEP_FORK);
    }
}

/* Their handling is the default already: see take_signals. */
static void unblock_signals(int report) {
    sigset_t none;
    if (sigemptyset(&none) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0) {
        fail(report, STEP_LIMITS);
    }
}

static void place_streams(const struct command *command, const int stdio[END_COUNT], int report) {
    bool terminal = command->request.streams == STREAMS_TERMINAL;
    if (terminal && (setsid() < 0 || ioctl(stdio[END_INPUT], TIOCSCTTY, 0) < 0)) {
        fail(report, STEP_TERMINAL);
    }
    for (int end = 0; end < END_COUNT; end++) {
        int source = terminal ? stdio[END_INPUT] : stdio[end];
        if (dup2(source == NO_FD ? null_device : source, end) < 0) {
            fail(report, STEP_STREAMS);
        }
    }
    if (report != REPORT_FD && dup3(report, REPORT_FD, O_CLOEXEC) < 0) {
        fail(report, STEP_STREAMS);
    }
}

/*
 * The process may be inspected by the sandbox's root from here to exec, else /proc would not let it write its own
 * score; so this comes after every descriptor of the supervisor is closed. Without /proc the score stays as it is.
 */
static void raise_oom_score(void) {
    if (prctl(PR_SET_DUMPABLE, 1) < 0) {
        return;
    }
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t ignored = write(fd, CHILD_OOM_SCORE, strlen(CHILD_OOM_SCORE));
        (void)ignored;
        (void)close(fd);
    }
    (void)prctl(PR_SET_DUMPABLE, 0);
}

static void set_limits(void) {
    if (setrlimit(RLIMIT_NOFILE, &inherited_descriptors) < 0) {
        fail(REPORT_FD, STEP_LIMITS);
    }
    (void)setpriority(PRIO_PROCESS, 0, 0);
    (void)syscall(SYS_ioprio_set, IO_OF_PROCESS, 0, IO_BEST_EFFORT_4);
}

static void become_user(const struct command *command) {
    const struct spawn_request *r = &command->request;
    if (setgroups(r->groups, command->groups) < 0 || setresgid(r->gid, r->gid, r->gid) < 0) {
        fail(REPORT_FD, STEP_GROUPS);
    }
    if (setresuid(r->uid, r->uid, r->uid) < 0) {
        fail(REPORT_FD, STEP_USER);
    }
    if (chdir(command->directory) < 0) {
        fail(REPORT_FD, STEP_DIRECTORY);
    }
}

/* As a shell does: says why on the errors and exits, which is no failure of the start. */
static void complain(const char *name, int error) {
    const char *reason = strerror(error);
    struct iovec line[] = {
        {(void *)name, strlen(name)}, {": ", 2}, {(void *)reason, strlen(reason)}, {"\n", 1}};
    ssize_t ignored = writev(STDERR_FILENO, line, sizeof line / sizeof line[0]);
    (void)ignored;
}

static bool is_shortage(int error) {
    return error == E2BIG || error == ENOMEM || error == EAGAIN;
}

void child_run(const struct command *command, const int stdio[END_COUNT], int report) {
    refuse_taken_number(report);
    unblock_signals(report);
    place_streams(command, stdio, report);
    if (close_range(REPORT_FD + 1, ~0u, 0) == 0) {
        raise_oom_score();
    }
    set_limits();
    become_user(command);
    environ = command->environment;
    execvp(command->arguments[0], command->arguments);
    if (is_shortage(errno)) {
        fail(REPORT_FD, STEP_EXEC);
    }
    int error = errno;
    complain(command->arguments[0], error);
    _exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_STARTED);
}
