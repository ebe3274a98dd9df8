/* What is not told for a while: held, told later, or forgotten; time is a parameter. */
#include "test.h"

#include "alert.h"
#include "silences.h"

#include "must.h"

#include <string.h>

enum { NOW = 1000 * 1000, HOUR = 3600 * 1000 };

static const char *const tables[] = {"meta",    "outbox",   JOBS_TABLE_NAMES, WATCH_TABLE_NAMES,
                                     "notices", "silences", "held",           NULL};

struct world {
    char *folder;
    struct store *store;
    struct store_txn *txn;
};

static int set_up(void **state)
{
    struct world *world = must_calloc(1, sizeof *world);
    struct store_options options = {.tables = tables, .format = 1, .map_bytes = 256 << 20};
    world->folder = test_folder();
    assert_int_equal(store_open(world->folder, &options, &world->store), OK);
    assert_int_equal(store_begin(world->store, true, &world->txn), OK);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    store_abort(&world->txn);
    store_close(&world->store);
    test_rm_folder(&world->folder);
    free(world);
    return 0;
}

static void says(struct world *world, const char *type, const char *object, int64_t until_ms)
{
    struct event event = {.seq = 1, .time_ms = NOW};
    json_t *data = json_pack("{s:s, s:s, s:I, s:s}", "rule", "disk", "object", object, "until",
                             (json_int_t)until_ms, "reason", "known");
    EVENT_SET(event.type, type);
    EVENT_SET(event.who, "ada");
    assert_int_equal(silences_apply(world->txn, &event, data), OK);
    json_decref(data);
}

static void hold(struct world *world, const char *object)
{
    struct event event = {.seq = 2, .time_ms = NOW};
    json_t *data = json_pack("{s:s, s:s, s:i}", "rule", "disk", "object", object, "n", 1);
    EVENT_SET(event.id, "alert:raised:disk:x:1");
    assert_int_equal(silences_hold(world->txn, &event, data), OK);
    json_decref(data);
}

static int64_t until(struct world *world, const char *object, int64_t now_ms)
{
    int64_t until_ms = -1;
    assert_int_equal(silences_until(world->txn, "disk", object, now_ms, &until_ms), OK);
    return until_ms;
}

/* The object that is due; "" if none. */
static void expect_due(struct world *world, int64_t now_ms, const char *object)
{
    json_t *held = NULL;
    assert_int_equal(silences_due(world->txn, now_ms, &held), OK);
    assert_string_equal(tree_text(tree_get(held, "data"), "object"), object);
    json_decref(held);
}

static void check_until(void **state)
{
    struct world *world = *state;
    assert_int_equal(until(world, "home", NOW), 0);
    says(world, "admin.silenced", "home", NOW + HOUR);
    assert_int_equal(until(world, "home", NOW), NOW + HOUR);
    assert_int_equal(until(world, "home", NOW + HOUR), 0);
    assert_int_equal(until(world, "other", NOW), 0);
    says(world, "admin.silenced", "", NOW + 2 * HOUR); /* all of the rule */
    assert_int_equal(until(world, "home", NOW), NOW + 2 * HOUR);
    assert_int_equal(until(world, "other", NOW), NOW + 2 * HOUR);
    says(world, "admin.unsilenced", "", 0);
    assert_int_equal(until(world, "other", NOW), 0);
    assert_int_equal(until(world, "home", NOW), NOW + HOUR);
}

static void check_held_until_it_is_over(void **state)
{
    struct world *world = *state;
    bool held = true;
    says(world, "admin.silenced", "home", NOW + HOUR);
    hold(world, "home");
    expect_due(world, NOW + HOUR - 1, "");
    expect_due(world, NOW + HOUR, "home");
    says(world, "admin.unsilenced", "home", 0);
    expect_due(world, NOW, "home");
    assert_int_equal(silences_forget(world->txn, "disk", "home", &held), OK);
    assert_true(held);
    expect_due(world, NOW, "");
    assert_int_equal(silences_forget(world->txn, "disk", "home", &held), OK);
    assert_false(held);
}

static void check_one_of_several(void **state)
{
    struct world *world = *state;
    says(world, "admin.silenced", "a", NOW + HOUR);
    says(world, "admin.silenced", "b", NOW + 2 * HOUR);
    hold(world, "a");
    hold(world, "b");
    expect_due(world, NOW, "");
    expect_due(world, NOW + HOUR, "a");
    json_t *list = json_array();
    assert_int_equal(silences_list(world->txn, NOW + HOUR, list), OK);
    assert_int_equal(json_array_size(list), 1);
    const json_t *one = json_array_get(list, 0);
    assert_string_equal(tree_text(one, "object"), "b");
    assert_string_equal(tree_text(one, "who"), "ada");
    assert_string_equal(tree_text(one, "reason"), "known");
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_until, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_held_until_it_is_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(check_one_of_several, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
