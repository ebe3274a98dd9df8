#include "store_bus.h"

#include "fault.h"
#include "logs.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char watched[PATH_MAX];

/* It comes from a read of the map, never out of the middle of the C library, so that a line of log
 * may be written here. */
static void on_bus(int number)
{
    (void)number;
    struct statvfs disk;
    bool full = statvfs(watched, &disk) == 0 && disk.f_bavail == 0;
    logs_write(LOGS_ERROR, full ? "no room for the store" : "the store is damaged", "store",
               watched, "next", full ? "make room on the disk" : "usher help rebuild", NULL);
    _exit(full ? EXIT_AGAIN : EXIT_NEVER);
}

void store_bus_watch(const char *folder)
{
    struct sigaction action = {.sa_handler = on_bus};
    snprintf(watched, sizeof watched, "%s", folder);
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, NULL);
}
