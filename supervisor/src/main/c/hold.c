/* `sandlot-supervisor hold`: keeps a new user and network namespace open until its input ends. */
#include "supervisor.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int hold(void) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
        perror("sandlot-supervisor: could not make namespaces");
        return 1;
    }
    if (write(STDOUT_FILENO, "+", 1) != 1) {
        return 1;
    }
    char ignored;
    ssize_t n;
    do {
        n = read(STDIN_FILENO, &ignored, 1);
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n == 0 ? 0 : 1;
}
