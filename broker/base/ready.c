#include "ready.h"

#include "clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Nothing here may stop the process: a supervisor that does not listen is not our trouble. */
static void tell_systemd(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof address.sun_path) {
        return;
    }
    size_t len = strlen(path);
    memcpy(address.sun_path, path, len);
    if (*path == '@') {
        address.sun_path[0] = '\0'; /* the abstract namespace */
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return;
    }
    socklen_t address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, address_len);
    close(fd);
}

static void tell_s6(void)
{
    const char *named = getenv("NOTIFY_FD");
    char *end = NULL;
    errno = 0;
    long fd = named ? strtol(named, &end, 10) : -1;
    if (errno || fd < 3 || fd > 65535 || end == named || *end) {
        return;
    }
    if (write((int)fd, "\n", 1) == 1) {
        close((int)fd);
    }
    unsetenv("NOTIFY_FD"); /* said once */
}

void ready_notify(void)
{
    tell_systemd("READY=1");
    tell_s6();
}

void ready_stopping(void)
{
    tell_systemd("STOPPING=1");
}

void ready_watchdog(void)
{
    static int64_t last_us;
    const char *period = getenv("WATCHDOG_USEC");
    int64_t period_us = period ? strtoll(period, NULL, 10) : 0;
    int64_t now_us = clock_mono_us();
    if (period_us > 0 && now_us - last_us >= period_us / 2) {
        last_us = now_us;
        tell_systemd("WATCHDOG=1");
    }
}
