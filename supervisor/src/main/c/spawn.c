/* Starting a process, on the side of the supervisor: parse, make the streams, fork, learn how it went. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TERMINAL_MODE 0620

static gid_t groups[MAX_GROUPS];
static char *strings[MAX_STRINGS];

/* Points vector at the strings that follow; returns what is left behind them, NULL when they are cut short. */
static const uint8_t *take_strings(const uint8_t *at, const uint8_t *end, char **vector, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *zero = memchr(at, 0, (size_t)(end - at));
        if (zero == NULL) {
            return NULL;
        }
        vector[i] = (char *)at;
        at = zero + 1;
    }
    return at;
}

static bool in_bounds(const struct spawn_request *r, size_t tail) {
    return r->reserved == 0 && r->streams <= STREAMS_TERMINAL && r->groups <= MAX_GROUPS && r->arguments > 0
        && tail / sizeof(uint32_t) >= r->groups;
}

static enum verdict parse(const struct frame_header *h, const uint8_t *payload, struct command *command) {
    struct spawn_request *r = &command->request;
    if (h->payload < sizeof *r) {
        return BROKEN;
    }
    memcpy(r, payload, sizeof *r);
    if (!in_bounds(r, h->payload - sizeof *r)) {
        return BROKEN;
    }
    if ((uint64_t)r->arguments + r->variables + 2 > MAX_STRINGS) {
        return TOO_LARGE;
    }
    const uint8_t *at = payload + sizeof *r;
    const uint8_t *end = payload + h->payload;
    memcpy(groups, at, r->groups * sizeof(uint32_t));
    char *directory = NULL;
    at = take_strings(at + r->groups * sizeof(uint32_t), end, &directory, 1);
    command->groups = groups;
    command->directory = directory;
    command->arguments = strings;
    command->environment = strings + r->arguments + 1;
    if (at != NULL) {
        at = take_strings(at, end, command->arguments, r->arguments);
    }
    strings[r->arguments] = NULL;
    if (at != NULL) {
        at = take_strings(at, end, command->environment, r->variables);
    }
    command->environment[r->variables] = NULL;
    return at == end ? HANDLED : BROKEN;
}

static void close_all(int fds[], size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (fds[i] != NO_FD) {
            (void)close(fds[i]);
            fds[i] = NO_FD;
        }
    }
}

void close_ends(struct process *p) {
    close_all(p->ends, END_COUNT);
}

/* Descriptors are kept free for new connections whatever processes are asked for. */
static int too_high(int fd) {
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) < 0) {
        return errno;
    }
    return (rlim_t)fd + SPARE_DESCRIPTORS >= now.rlim_cur ? EMFILE : 0;
}

/* Makes a pipe of which ours does not block; ours reads unless this is the input. */
static int make_pipe(int *ours, int *theirs, bool input) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return errno;
    }
    *ours = ends[input ? 1 : 0];
    *theirs = ends[input ? 0 : 1];
    if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0) {
        return errno;
    }
    return too_high(ends[1]);
}

static int make_pipes(struct process *p, int stdio[END_COUNT], bool input) {
    int error = input ? make_pipe(&p->ends[END_INPUT], &stdio[END_INPUT], true) : 0;
    for (int end = END_OUTPUT; error == 0 && end <= END_ERRORS; end++) {
        error = make_pipe(&p->ends[end], &stdio[end], false);
    }
    return error;
}

static int make_terminal(struct process *p, int stdio[END_COUNT], const struct spawn_request *r) {
    struct winsize size = {.ws_col = r->columns, .ws_row = r->rows};
    int unlock = 0;
    int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0) {
        return errno;
    }
    p->ends[END_OUTPUT] = master;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0 || ioctl(master, TIOCSWINSZ, &size) < 0) {
        return errno;
    }
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        return errno;
    }
    stdio[END_INPUT] = slave;
    if (fchown(slave, r->uid, (gid_t)-1) < 0 || fchmod(slave, TERMINAL_MODE) < 0) {
        return errno;
    }
    return too_high(slave);
}

static struct failure make_streams(struct process *p, int stdio[END_COUNT], const struct spawn_request *r) {
    bool terminal = r->streams == STREAMS_TERMINAL;
    int error = terminal ? make_terminal(p, stdio, r) : make_pipes(p, stdio, r->streams == STREAMS_PIPES_WITH_INPUT);
    return (struct failure){terminal ? STEP_TERMINAL : STEP_STREAMS, (uint32_t)error};
}

static struct failure start(struct process *p, const struct command *command, const int stdio[END_COUNT]) {
    int report[2];
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) {
        return (struct failure){STEP_STREAMS, (uint32_t)errno};
    }
    pid_t pid = fork();
    if (pid == 0) {
        child_run(command, stdio, report[1]);
    }
    int error = pid < 0 ? errno : 0;
    (void)close(report[1]);
    if (pid < 0) {
        (void)close(report[0]);
        return (struct failure){STEP_FORK, (uint32_t)error};
    }
    p->pid = pid;
    p->report = report[0];
    p->state = STARTING;
    processes_starting++;
    return (struct failure){STEP_NONE, 0};
}

static struct failure spawn(struct connection *c, uint64_t number, const struct command *command) {
    int stdio[END_COUNT] = {NO_FD, NO_FD, NO_FD};
    struct process *p = process_add();
    if (p == NULL) {
        return (struct failure){STEP_FORK, EAGAIN};
    }
    p->cookie = command->request.cookie;
    p->requester = c->serial;
    p->request = number;
    struct failure failure = make_streams(p, stdio, &command->request);
    if (failure.error == 0) {
        failure = start(p, command, stdio);
    }
    close_all(stdio, END_COUNT);
    if (failure.error != 0) {
        process_free(p);
    }
    return failure;
}

enum verdict spawn_handle(struct connection *c, const struct frame_header *h, const uint8_t *payload) {
    struct command command;
    struct failure failure = {STEP_EXEC, E2BIG};
    enum verdict parsed = parse(h, payload, &command);
    if (parsed == BROKEN) {
        return BROKEN;
    }
    if (parsed == HANDLED) {
        failure = spawn(c, h->number, &command);
    }
    bool sent = failure.error == 0 || reply_error(c, h->number, failure.error, failure.step);
    return sent ? HANDLED : BROKEN;
}

static void started(struct process *p, struct connection *requester) {
    p->state = p->status == NO_STATUS ? RUNNING : ENDED;
    if (requester != NULL && !reply_ends(requester, p->request, p)) {
        connection_drop(requester);
    }
    if (p->state == ENDED) {
        process_tell_exit(p);
    }
}

static void failed(struct process *p, struct connection *requester, const struct failure *failure) {
    if (!reply_error(requester, p->request, failure->error, failure->step)) {
        connection_drop(requester);
    }
    p->state = FAILED;
    close_ends(p);
    if (p->status != NO_STATUS) {
        process_free(p);
    }
}

/* A child that closes its report without a word runs its command. When nobody waits for a failure any more, the
   process stays in the list as one that has ended, for whoever saw it there. */
void spawn_settle(struct process *p) {
    struct failure failure;
    ssize_t n = read(p->report, &failure, sizeof failure);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    (void)close(p->report);
    p->report = NO_FD;
    processes_starting--;
    struct connection *requester = connection_find(p->requester);
    if (n == (ssize_t)sizeof failure && requester != NULL) {
        failed(p, requester, &failure);
    } else {
        started(p, requester);
    }
}
