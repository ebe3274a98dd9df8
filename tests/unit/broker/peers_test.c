/* peers_test.c - connections come, go, and are forgotten; names stay. */
#include "test.h"

#include "peers.h"

#define KEY "0123456789012345678901234567890123456789"

static int gone_count;

static void count_gone(void *self, struct peer *peer)
{
    (void)self;
    (void)peer;
    gone_count++;
}

static struct peer *add(struct peers *peers, const char *route, const char *user, int64_t now_ms)
{
    struct peer *peer = NULL;
    assert_int_equal(peers_add(peers, (const uint8_t *)route, strlen(route), user,
                               rights_of(peer_user_name(user)), now_ms, now_ms, count_gone, NULL,
                               &peer),
                     OK);
    return peer;
}

static struct peer *find(struct peers *peers, const char *route)
{
    return peers_find(peers, (const uint8_t *)route, strlen(route));
}

static void a_peer_is_found_until_it_is_dropped(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    struct peer *crm = add(peers, "a", KEY " crm", 0);
    assert_ptr_equal(find(peers, "a"), crm);
    assert_ptr_equal(peers_numbered(peers, crm->number), crm);
    assert_null(find(peers, "b"));
    assert_string_equal(crm->consumer->name, "crm");
    peers_drop(peers, crm);
    assert_null(find(peers, "a"));
    assert_non_null(peers_consumer(peers, 0)); /* the name is still shown */
    assert_false(consumer_connected(peers_consumer(peers, 0), 0));
    assert_null(peers_consumer(peers, 1));
    peers_destroy(&peers);
    peers_destroy(&peers);
}

static void hello_again_replaces_the_connection(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    uint64_t old = add(peers, "a", KEY " crm", 0)->number;
    struct peer *again = add(peers, "a", KEY " ledger", 1);
    assert_int_equal(peers_count(peers), 1);
    assert_true(again->number != old);
    assert_null(peers_numbered(peers, old));
    assert_string_equal(find(peers, "a")->consumer->name, "ledger");
    peers_destroy(&peers);
}

static void the_newest_live_connection_of_a_name_is_asked(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    struct peer *first = add(peers, "a", KEY " crm", 0);
    struct peer *second = add(peers, "b", KEY " crm", 10);
    assert_int_equal(first->consumer->connections, 2);
    assert_ptr_equal(peers_named(peers, "crm", 20), second);
    first->seen_ms = 10 + PEER_SILENT_MS;
    assert_ptr_equal(peers_named(peers, "crm", 10 + PEER_SILENT_MS), first);
    assert_null(peers_named(peers, "crm", 10 + 3 * PEER_SILENT_MS));
    assert_null(peers_named(peers, "ledger", 20));
    peers_drop(peers, second);
    assert_int_equal(first->consumer->newest, first->number);
    peers_destroy(&peers);
}

static void the_silent_are_forgotten(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    add(peers, "a", KEY " crm", 0);
    add(peers, "b", KEY " ledger", 1000);
    gone_count = 0;
    peers_forget(peers, PEER_FORGET_MS - 1, count_gone, NULL);
    assert_int_equal(gone_count, 0);
    peers_forget(peers, PEER_FORGET_MS, count_gone, NULL);
    assert_int_equal(gone_count, 1);
    assert_null(find(peers, "a"));
    assert_non_null(find(peers, "b"));
    peers_destroy(&peers);
}

static enum fault add_further(struct peers *peers, const char *name, int64_t now_ms)
{
    char user[64];
    struct peer *peer;
    snprintf(user, sizeof user, KEY " %s", name);
    return peers_add(peers, (const uint8_t *)"further", 7, user, rights_of(name), now_ms, 0,
                     count_gone, NULL, &peer);
}

static void fill(struct peers *peers, const char *const *names, int each)
{
    char route[16], user[64];
    for (; *names; names++) {
        snprintf(user, sizeof user, KEY " %s", *names);
        for (int i = 0; i < each; i++) {
            snprintf(route, sizeof route, "%s%d", *names, i);
            add(peers, route, user, i == 7 ? 0 : 1);
        }
    }
}

static void places_are_bounded(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    fill(peers, (const char *const[]){"tools", "crm", "alert", "mailer", NULL}, PEERS_MAX / 4);
    gone_count = 0;
    assert_int_equal(add_further(peers, "ledger", PEER_SILENT_MS - 1), FAULT_BUSY);
    assert_int_equal(add_further(peers, "ledger", PEER_SILENT_MS), OK);
    assert_int_equal(peers_count(peers), PEERS_MAX);
    assert_int_equal(gone_count, 1);
    assert_null(find(peers, "tools7")); /* the longest silent made place */
    peers_destroy(&peers);
}

static void a_name_has_a_share_of_the_places(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    fill(peers, (const char *const[]){"tools", NULL}, PEER_CONNECTIONS_MAX);
    add(peers, "crm", KEY " crm", 0); /* silent for longer, but another's */
    gone_count = 0;
    assert_int_equal(add_further(peers, "tools", 1), OK);
    assert_int_equal(gone_count, 1);
    assert_null(find(peers, "tools7"));
    assert_non_null(find(peers, "crm"));
    peers_destroy(&peers);
}

static void names_are_bounded(void **state)
{
    (void)state;
    struct peers *peers = peers_new();
    struct peer *peer;
    char user[128];
    for (int i = 0; i <= CONSUMERS_MAX; i++) {
        snprintf(user, sizeof user, KEY " people/p%d", i);
        enum fault fault = peers_add(peers, (const uint8_t *)user + 41, strlen(user + 41), user,
                                     rights_of("tools"), 0, 0, count_gone, NULL, &peer);
        assert_int_equal(fault, i < CONSUMERS_MAX ? OK : FAULT_BUSY);
    }
    peers_destroy(&peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_is_found_until_it_is_dropped),
        cmocka_unit_test(hello_again_replaces_the_connection),
        cmocka_unit_test(the_newest_live_connection_of_a_name_is_asked),
        cmocka_unit_test(the_silent_are_forgotten),
        cmocka_unit_test(places_are_bounded),
        cmocka_unit_test(a_name_has_a_share_of_the_places),
        cmocka_unit_test(names_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
