/*
 * `sandlot-supervisor guest SOCKET PROGRAM [ARG...]`: the supervisor of a sandbox that has its envd inside.
 *
 * It listens at SOCKET itself, which only its own user may open, and keeps PROGRAM running: one that ends is started
 * again and finds all processes as they were. It ends with PROGRAM when that ends by itself with 0 (done) or 2 (wrong
 * settings), or when it is asked to by SIGTERM or SIGINT; then nothing that it started is left.
 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 16
#define WRONG_SETTINGS 2
#define SHORT_LIFE_MILLIS 1000
#define FOREVER (-1)
#define CHILDREN "/proc/thread-self/children"
#define CHILDREN_BYTES 65536
#define DECIMAL 10

static char **program; /* NULL unless this is a guest */
static pid_t program_pid;
static int64_t started_at;
static int64_t start_due;
static bool ending;

static int64_t now_millis(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_served(int fd, const struct sockaddr_un *address) {
    return connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

/* Returns a listening socket, or -1 with errno: EADDRINUSE when another supervisor listens there. */
int guest_listen(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int trial = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (trial < 0) {
        return -1;
    }
    bool served = is_served(trial, &address);
    (void)close(trial);
    if (served) {
        errno = EADDRINUSE;
        return -1;
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t before = umask(077);
    bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    (void)umask(before);
    return bound && listen(fd, BACKLOG) == 0 ? fd : -1;
}

/* Whatever the guest's processes leave behind becomes a child of this one, as it would be of PID 1. */
int guest_begin(char **command) {
    program = command;
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* The supervisor may have died before its end was asked to be told. */
static bool outlived(pid_t supervisor) {
    return getppid() != supervisor;
}

static void become_program(pid_t supervisor) {
    sigset_t none;
    if (sigemptyset(&none) < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 || setsid() < 0
        || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || outlived(supervisor) || dup2(null_device, STDIN_FILENO) < 0
        || setrlimit(RLIMIT_NOFILE, &inherited_descriptors) < 0) {
        perror("sandlot-supervisor: could not prepare the program");
        _exit(1);
    }
    (void)execv(program[0], program);
    perror(program[0]);
    _exit(WRONG_SETTINGS);
}

static void start_program(void) {
    started_at = now_millis();
    pid_t supervisor = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_program(supervisor);
    }
    program_pid = pid > 0 ? pid : 0;
    start_due = started_at + SHORT_LIFE_MILLIS;
}

/* Starts the program when it is time to. Returns how many milliseconds may pass until this must be called again. */
int guest_keep(void) {
    if (program == NULL || program_pid != 0) {
        return FOREVER;
    }
    int64_t left = start_due - now_millis();
    if (left > 0) {
        return (int)left;
    }
    start_program();
    return program_pid != 0 ? FOREVER : SHORT_LIFE_MILLIS;
}

/* Returns false when there is no list of them to be had. */
static bool kill_listed_children(void) {
    static char list[CHILDREN_BYTES];
    int fd = open(CHILDREN, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t n = read(fd, list, sizeof list - 1);
    (void)close(fd);
    if (n <= 0) {
        return n == 0;
    }
    list[n] = 0;
    char *at = list;
    for (char *space = strchr(at, ' '); space != NULL; at = space + 1, space = strchr(at, ' ')) {
        (void)kill((pid_t)strtol(at, NULL, DECIMAL), SIGKILL);
    }
    return true;
}

static void kill_known_children(void) {
    for (size_t i = 0; i < processes_used; i++) {
        if (processes[i].state != FREE && processes[i].status == NO_STATUS) {
            (void)kill(processes[i].pid, SIGKILL);
        }
    }
}

/* The kernel does this for PID 1. Without /proc, what processes have left behind stays. */
static void end_children(void) {
    while (kill_listed_children()) {
        if (waitpid(-1, NULL, __WALL) < 0 && errno != EINTR) {
            return;
        }
    }
    kill_known_children();
}

static void end_guest(int code) {
    if (getpid() != 1) {
        end_children();
    }
    exit(code);
}

void guest_ended(pid_t pid, int status) {
    if (program_pid == 0 || pid != program_pid) {
        return;
    }
    program_pid = 0;
    bool meant = WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == WRONG_SETTINGS);
    if (ending || meant) {
        end_guest(ending ? 0 : WEXITSTATUS(status));
    }
    (void)fprintf(stderr, "sandlot-supervisor: %s ended (wait status %d) and is started again\n", program[0], status);
}

void guest_signalled(uint32_t number) {
    if (program == NULL || (number != SIGTERM && number != SIGINT)) {
        return;
    }
    ending = true;
    if (program_pid == 0) {
        end_guest(0);
    }
    (void)kill(program_pid, SIGTERM);
}
