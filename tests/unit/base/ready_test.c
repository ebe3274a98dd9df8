/* ready_test.c - what a supervisor hears. */
#include "test.h"

#include "ready.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

static void systemd_hears_ready_alive_and_stopping(void **state)
{
    (void)state;
    char *folder = test_folder();
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder) > 0);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    setenv("WATCHDOG_USEC", "3600000000", 1);
    ready_notify();
    ready_watchdog();
    ready_watchdog(); /* too soon for another one */
    ready_stopping();
    static const char *const expected[] = {"READY=1", "WATCHDOG=1", "STOPPING=1"};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char text[64] = "";
        bool alive = strcmp(expected[i], "WATCHDOG=1") == 0;
        ssize_t len = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
        if (alive && strcmp(text, "STOPPING=1") == 0) {
            break; /* the machine has been up for less than half the period */
        }
        assert_true(len > 0);
        assert_string_equal(text, expected[i]);
    }
    assert_int_equal(recv(fd, (char[8]){0}, 8, MSG_DONTWAIT), -1);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(fd);
    test_rm_folder(&folder);
}

static void s6_hears_one_line_once(void **state)
{
    (void)state;
    int ends[2];
    char number[16], text[8] = "";
    assert_int_equal(pipe(ends), 0);
    snprintf(number, sizeof number, "%d", ends[1]);
    setenv("NOTIFY_FD", number, 1);
    ready_notify();
    assert_int_equal(read(ends[0], text, sizeof text), 1);
    assert_string_equal(text, "\n");
    assert_int_equal(read(ends[0], text, sizeof text), 0); /* closed */
    assert_null(getenv("NOTIFY_FD"));
    ready_notify();
    close(ends[0]);
}

static void nonsense_is_left_alone(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "x", "1", "3x", "-1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("NOTIFY_FD", wrong[i], 1);
        setenv("NOTIFY_SOCKET", wrong[i], 1);
        ready_notify();
        ready_stopping();
    }
    assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
    unsetenv("NOTIFY_FD");
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systemd_hears_ready_alive_and_stopping),
        cmocka_unit_test(s6_hears_one_line_once),
        cmocka_unit_test(nonsense_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
