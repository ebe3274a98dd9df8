#include "wall.h"

#include "home.h"
#include "must.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SNMP_BYTES_MAX = 64 * 1024 };

static bool put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

/* Whoever one is outside, one is inside: files keep their owner. */
static bool keep_ids(uid_t uid, gid_t gid)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "%u %u 1", (unsigned)uid, (unsigned)uid);
    snprintf(groups, sizeof groups, "%u %u 1", (unsigned)gid, (unsigned)gid);
    return put("/proc/self/setgroups", "deny") && put("/proc/self/uid_map", users) &&
           put("/proc/self/gid_map", groups);
}

static bool raise_loopback(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    up = up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return up;
}

enum fault wall_build(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
            return FAULT_DENIED;
        }
        if (!keep_ids(uid, gid)) {
            return FAULT_IO;
        }
    }
    return raise_loopback() ? OK : FAULT_IO;
}

/* The value under a name in /proc/net/snmp: a line of names, and one of numbers below it. */
static int64_t counter(const char *text, const char *protocol, const char *name)
{
    const char *names = strstr(text, protocol);
    const char *numbers = names ? strstr(names + 1, protocol) : NULL;
    size_t column = 0;
    for (const char *at = names; numbers && *at && *at != '\n'; column++) {
        size_t len = strcspn(at, " \n");
        if (len == strlen(name) && memcmp(at, name, len) == 0) {
            for (; column > 0; column--) {
                numbers += strcspn(numbers, " \n");
                numbers += *numbers == ' ';
            }
            return atoll(numbers);
        }
        at += len + (at[len] == ' ');
    }
    return -1;
}

int64_t wall_attempts(void)
{
    char *text = NULL;
    size_t len;
    int64_t count = -1;
    if (home_read_file("/proc/self/net/snmp", SNMP_BYTES_MAX, &text, &len) == OK) {
        count = counter(text, "Ip: ", "OutNoRoutes");
    }
    free(text);
    return count;
}
