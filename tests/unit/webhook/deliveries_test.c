#include "deliveries.h"

#include "../test.h"
#include "values.h"

enum { TABLE, DAY_MS = 86400000 };

static const char *const tables[] = {"deliveries", NULL};

struct fixture {
    char *folder;
    struct store *store;
    struct deliveries deliveries;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->folder = test_folder();
    fixture->deliveries.keep_ms = DAY_MS;
    struct store_options options = {.tables = tables, .format = 1};
    *state = fixture;
    return store_open(fixture->folder, &options, &fixture->store) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    deliveries_fini(&fixture->deliveries);
    store_close(&fixture->store);
    test_rm_folder(&fixture->folder);
    free(fixture);
    return 0;
}

static void write_down(struct fixture *fixture, int64_t now_ms)
{
    struct store_txn *txn;
    size_t taken;
    assert_int_equal(store_begin(fixture->store, true, &txn), OK);
    assert_int_equal(deliveries_write(&fixture->deliveries, txn, TABLE, now_ms, &taken), OK);
    assert_int_equal(store_commit(&txn), OK);
    deliveries_written(&fixture->deliveries, taken);
}

static json_t *find(struct fixture *fixture, const char *id)
{
    struct store_txn *txn;
    json_t *row;
    assert_int_equal(store_begin(fixture->store, false, &txn), OK);
    assert_int_equal(deliveries_find(&fixture->deliveries, txn, TABLE, id, &row), OK);
    store_abort(&txn);
    return row;
}

static void expect(struct fixture *fixture, const char *id, int64_t first, int64_t last,
                   int64_t count, const char *outcome)
{
    json_t *row = find(fixture, id);
    assert_non_null(row);
    assert_int_equal(tree_int(row, "first"), first);
    assert_int_equal(tree_int(row, "last"), last);
    assert_int_equal(tree_int(row, "count"), count);
    assert_string_equal(tree_text(row, "outcome"), outcome);
    json_decref(row);
}

static void test_first_last_count(void **state)
{
    struct fixture *fixture = *state;
    struct deliveries *deliveries = &fixture->deliveries;
    deliveries_note(deliveries, "evt_1", 1000, OUTCOME_RECEIVED);
    deliveries_note(deliveries, "evt_2", 1001, OUTCOME_IGNORED);
    deliveries_note(deliveries, "evt_1", 1500, OUTCOME_DUPLICATE);
    expect(fixture, "evt_1", 1000, 1500, 2, "received"); /* still in memory */
    write_down(fixture, 2000);
    assert_false(deliveries_waiting(deliveries));
    expect(fixture, "evt_1", 1000, 1500, 2, "received");
    expect(fixture, "evt_2", 1001, 1001, 1, "ignored");
    deliveries_note(deliveries, "evt_1", 3000, OUTCOME_DUPLICATE);
    expect(fixture, "evt_1", 1000, 3000, 3, "received"); /* on disk and in memory */
    assert_null(find(fixture, "evt_3"));
}

/* What was taken before the log was lost is known as a duplicate only; what refused it first is
 * not overwritten by luck. */
static void test_outcome(void **state)
{
    struct fixture *fixture = *state;
    deliveries_note(&fixture->deliveries, "evt_1", 1, OUTCOME_DUPLICATE);
    deliveries_note(&fixture->deliveries, "evt_2", 1, OUTCOME_FAILED);
    deliveries_note(&fixture->deliveries, "evt_2", 2, OUTCOME_DUPLICATE);
    write_down(fixture, 10);
    expect(fixture, "evt_1", 1, 1, 1, "duplicate");
    expect(fixture, "evt_2", 1, 2, 2, "failed");
}

static void test_memory_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    for (int i = 0; i < 100000; i++) {
        snprintf(id, sizeof id, "evt_%032d", i);
        deliveries_note(&fixture->deliveries, id, 1, OUTCOME_RECEIVED);
    }
    assert_true(fixture->deliveries.notes.len <= DELIVERY_NOTES_BYTES_MAX);
    assert_true(fixture->deliveries.unlogged > 0);
    assert_int_equal(fixture->deliveries.unlogged + fixture->deliveries.noted, 100000);
    write_down(fixture, 10);
    assert_true(deliveries_waiting(&fixture->deliveries)); /* one write takes its share */
    while (deliveries_waiting(&fixture->deliveries)) {
        write_down(fixture, 10);
    }
    snprintf(id, sizeof id, "evt_%032d", (int)fixture->deliveries.noted - 1);
    expect(fixture, id, 1, 1, 1, "received");
}

static void test_old_rows_go(void **state)
{
    struct fixture *fixture = *state;
    char id[64];
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "evt_%03d", i);
        deliveries_note(&fixture->deliveries, id, i % 2 ? 1000 : DAY_MS, OUTCOME_RECEIVED);
    }
    for (int i = 0; i < 12; i++) {
        write_down(fixture, DAY_MS + 2000);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(id, sizeof id, "evt_%03d", i);
        json_t *row = find(fixture, id);
        assert_int_equal(row != NULL, i % 2 == 0);
        json_decref(row);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct outcomes outcomes = {0};
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        assert_int_equal(outcome_find(outcome_name((enum outcome)i)), i);
    }
    assert_int_equal(outcome_find("nonsense"), OUTCOME_COUNT);
    outcomes.counts[OUTCOME_RECEIVED] = 100;
    outcomes.counts[OUTCOME_FORGED] = 3;
    outcomes.counts[OUTCOME_UNSIGNED] = 50;
    outcomes.counts[OUTCOME_DOWN] = 2;
    json_t *data = outcomes_data(&outcomes, 10, 20);
    json_t *expected =
        json_pack("{s:i,s:i,s:i,s:i,s:i,s:{s:i,s:i,s:i}}", "since", 10, "until", 20, "total", 55,
                  "signatures", 3, "own", 2, "reasons", "forged", 3, "unsigned", 50, "down", 2);
    assert_true(json_equal(data, expected));
    json_decref(data);
    json_decref(expected);
    data = outcomes_refusals(&outcomes);
    expected = json_pack("{s:i,s:i,s:i}", "noise", 50, "signature", 3, "own", 2);
    assert_true(json_equal(data, expected));
    json_decref(data);
    json_decref(expected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_first_last_count),     TEST(test_outcome),
        TEST(test_memory_is_bounded),    TEST(test_old_rows_go),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
