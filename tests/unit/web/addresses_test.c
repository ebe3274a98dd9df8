#include "addresses.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static struct address address(const char *text)
{
    struct address found;
    if (!address_parse(text, strlen(text), &found)) {
        fail_msg("%s is no address", text);
    }
    return found;
}

static void test_networks(void **state)
{
    (void)state;
    struct networks networks;
    assert_true(networks_parse("127.0.0.1 ::1, 10.1.0.0/16\n2001:db8::/33", &networks));
    static const struct {
        const char *address;
        bool in;
    } rows[] = {
        {"127.0.0.1", true},
        {"::ffff:127.0.0.1", true},
        {"127.0.0.2", false},
        {"::1", true},
        {"::2", false},
        {"10.1.255.255", true},
        {"10.2.0.0", false},
        {"::ffff:10.1.2.3", true},
        {"2001:db8:7fff::1", true},
        {"2001:db8:8000::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a = address(rows[i].address);
        if (networks_have(&networks, &a) != rows[i].in) {
            fail_msg("%s", rows[i].address);
        }
    }
    assert_true(networks_parse("", &networks));
    assert_int_equal(networks.count, 0);
    assert_true(networks_parse("0.0.0.0/0", &networks));
    struct address any = address("8.8.8.8"), six = address("2001::1");
    assert_true(networks_have(&networks, &any));
    assert_false(networks_have(&networks, &six));
    static const char *const wrong[] = {"localhost", "10.0.0.0/33", "10.0.0.0/", "::/129",
                                        "/8",        "10.0.0.0/-1", "1.2.3",     "127.0.0.1 x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(networks_parse(wrong[i], &networks));
    }
}

/* Only what stands to the right of a trusted proxy is believed. */
static void test_forwarded(void **state)
{
    (void)state;
    static const struct {
        const char *peer, *first, *second, *client;
    } rows[] = {
        {"127.0.0.1", NULL, NULL, "127.0.0.1"},
        {"127.0.0.1", "203.0.113.7", NULL, "203.0.113.7"},
        {"127.0.0.1", "1.1.1.1, 203.0.113.7", NULL, "203.0.113.7"},
        {"127.0.0.1", "203.0.113.7, 10.0.0.2", NULL, "203.0.113.7"},
        {"127.0.0.1", "1.1.1.1", "203.0.113.7", "203.0.113.7"},
        {"127.0.0.1", "203.0.113.7", "10.0.0.2", "203.0.113.7"},
        {"127.0.0.1", "203.0.113.7, unknown", NULL, "127.0.0.1"},
        {"127.0.0.1", "203.0.113.7, unknown, 10.0.0.2", NULL, "10.0.0.2"},
        {"127.0.0.1", ",, ,", NULL, "127.0.0.1"},
        {"127.0.0.1", "2001:db8::7", NULL, "2001:db8::7"},
        {"198.51.100.1", "203.0.113.7", NULL, "198.51.100.1"},
    };
    struct networks trusted;
    assert_true(networks_parse("127.0.0.1 10.0.0.0/8", &trusted));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *headers[] = {rows[i].first, rows[i].second};
        size_t count = rows[i].second ? 2 : rows[i].first ? 1 : 0;
        struct address peer = address(rows[i].peer);
        struct address found = address_forwarded(&trusted, &peer, headers, count);
        char text[ADDRESS_TEXT_BYTES];
        assert_string_equal(address_text(&found, text), rows[i].client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_forwarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
