#include "test.h"

#include "hunts.h"
#include "picture.h"
#include "values.h"

static const char *const tables[] = {"meta",  "outbox", "seen",  "known", "would", "links",
                                     "found", "lines",  "hunts", "notes", NULL};

struct stage {
    char *folder;
    struct store *store;
    struct store_txn *txn;
};

static int open_stage(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct store_options options = {.tables = tables, .format = 1};
    stage->folder = test_folder();
    assert_int_equal(store_open(stage->folder, &options, &stage->store), OK);
    assert_int_equal(store_begin(stage->store, true, &stage->txn), OK);
    *state = stage;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *stage = *state;
    store_abort(&stage->txn);
    store_close(&stage->store);
    test_rm_folder(&stage->folder);
    free(stage);
    return 0;
}

/* One event with these facts, as the actor would note it at second `at`. */
static void note(struct stage *stage, const char *id, int64_t at_s, const char *facts)
{
    struct event event = {.time_ms = at_s * 1000};
    json_t *list = json_loads(facts, 0, NULL);
    assert_non_null(list);
    EVENT_SET(event.id, id);
    EVENT_SET(event.trace, id);
    assert_int_equal(picture_note(stage->txn, &event, list), OK);
    assert_int_equal(hunts_note(stage->txn, &event, list, 60000), OK);
    json_decref(list);
}

static void assert_homed(struct stage *stage, const char *id, bool wanted)
{
    bool homed;
    assert_int_equal(picture_homed(stage->txn, "stripe", id, &homed), OK);
    assert_int_equal(homed, wanted);
}

static void the_newest_is_known_and_what_was_found_counts(void **state)
{
    struct stage *stage = *state;
    struct known known;
    bool seen;
    note(stage, "stripe:evt_1", 1,
         "[{\"kind\":\"subscription\",\"key\":\"sub_1\",\"status\":\"active\",\"at_ms\":5000}]");
    note(stage, "stripe:evt_2", 1,
         "[{\"kind\":\"subscription\",\"key\":\"sub_1\",\"status\":\"trialing\",\"at_ms\":4000}]");
    assert_int_equal(picture_seen(stage->txn, "stripe:evt_2", &seen), OK);
    assert_true(seen);
    assert_int_equal(picture_seen(stage->txn, "second:evt_2", &seen), OK);
    assert_false(seen);
    assert_int_equal(picture_known(stage->txn, "stripe", FACT_SUBSCRIPTION, "sub_1", &known), OK);
    assert_string_equal(known.fact.status, "active");
    struct fact found = known.fact;
    found.status = "canceled";
    found.at_ms = 6000;
    assert_int_equal(picture_would(stage->txn, "stripe", &found), OK);
    known_fini(&known);
    assert_int_equal(picture_known(stage->txn, "stripe", FACT_SUBSCRIPTION, "sub_1", &known), OK);
    assert_string_equal(known.fact.status, "canceled");
    known_fini(&known);
    assert_int_equal(picture_forget_would(stage->txn), OK);
    assert_int_equal(picture_known(stage->txn, "stripe", FACT_SUBSCRIPTION, "sub_1", &known), OK);
    assert_string_equal(known.fact.status, "active");
    known_fini(&known);
    assert_int_equal(picture_known(stage->txn, "second", FACT_SUBSCRIPTION, "sub_1", &known), OK);
    assert_false(known.there);
    known_fini(&known);
}

static void links_lead_home_but_not_by_the_customer(void **state)
{
    struct stage *stage = *state;
    note(stage, "stripe:evt_1", 1,
         "[{\"kind\":\"payment\",\"key\":\"in_1\",\"status\":\"paid\"},"
         "{\"kind\":\"link\",\"key\":\"in_1\",\"object\":\"cus_1\"}]");
    note(stage, "stripe:evt_2", 1,
         "[{\"kind\":\"link\",\"key\":\"ch_1\",\"object\":\"cus_1\"},"
         "{\"kind\":\"link\",\"key\":\"ch_1\",\"object\":\"pi_1\"}]");
    assert_homed(stage, "in_1", true);
    assert_homed(stage, "ch_1", false);
    note(stage, "second:evt_3", 1, "[{\"kind\":\"link\",\"key\":\"pi_1\",\"object\":\"in_1\"}]");
    assert_homed(stage, "ch_1", false);
    note(stage, "stripe:evt_3", 1, "[{\"kind\":\"link\",\"key\":\"pi_1\",\"object\":\"in_1\"}]");
    assert_homed(stage, "ch_1", true);
    assert_homed(stage, "ch_10", false);
    char found[EVENT_ID_BYTES_MAX + 1];
    assert_int_equal(picture_linked(stage->txn, "stripe", "ch_1", "pi_", found), OK);
    assert_string_equal(found, "pi_1");
    assert_int_equal(picture_linked(stage->txn, "stripe", "ch_1", "in_", found), OK);
    assert_string_equal(found, "");
}

static bool next(struct stage *stage, int64_t now_s, struct hunt *hunt)
{
    bool there;
    assert_int_equal(hunts_next(stage->txn, now_s * 1000, hunt, &there), OK);
    return there;
}

static void what_nobody_told_of_is_hunted(void **state)
{
    struct stage *stage = *state;
    struct hunt hunt;
    bool needed;
    note(stage, "stripe:evt_1", 100,
         "[{\"kind\":\"dispute\",\"key\":\"du_1\",\"status\":\"open\",\"object\":\"ch_1\"}]");
    assert_false(next(stage, 159, &hunt));
    assert_true(next(stage, 160, &hunt));
    assert_int_equal(hunt.what, HUNT_CHARGE);
    assert_string_equal(hunt.id, "ch_1");
    assert_string_equal(hunt.cause, "stripe:evt_1");
    assert_int_equal(hunt_needed(stage->txn, &hunt, &needed), OK);
    assert_true(needed);
    assert_int_equal(hunts_later(stage->txn, &hunt, 300000, true), OK);
    assert_false(next(stage, 299, &hunt));
    assert_true(next(stage, 300, &hunt));
    assert_int_equal(hunt.tries, 1);

    note(stage, "stripe:state:ch_1:0", 300,
         "[{\"kind\":\"link\",\"key\":\"ch_1\",\"object\":\"pi_1\"}]");
    assert_int_equal(hunts_over(stage->txn, &hunt), OK);
    assert_int_equal(hunts_follow(stage->txn, &hunt), OK);
    assert_true(next(stage, 300, &hunt));
    assert_int_equal(hunt.what, HUNT_PAYMENTS);
    assert_string_equal(hunt.id, "pi_1");
    note(stage, "stripe:state:inpay_1:0", 300,
         "[{\"kind\":\"link\",\"key\":\"pi_1\",\"object\":\"in_1\"}]");
    assert_int_equal(hunts_over(stage->txn, &hunt), OK);
    assert_true(next(stage, 300, &hunt)); /* our own repair leads on at once */
    assert_int_equal(hunt.what, HUNT_INVOICE);
    note(stage, "stripe:evt_2", 301,
         "[{\"kind\":\"payment\",\"key\":\"in_1\",\"status\":\"paid\"}]");
    assert_int_equal(hunt_needed(stage->txn, &hunt, &needed), OK);
    assert_false(needed);
    assert_int_equal(hunts_over(stage->txn, &hunt), OK);
    assert_false(next(stage, 9999, &hunt));
    note(stage, "stripe:evt_3", 400,
         "[{\"kind\":\"dispute\",\"key\":\"du_1\",\"status\":\"won\",\"object\":\"ch_1\"}]");
    assert_false(next(stage, 9999, &hunt)); /* its charge has a home now */
}

static void a_refund_that_its_charge_never_told_of_is_hunted(void **state)
{
    struct stage *stage = *state;
    struct hunt hunt;
    note(stage, "stripe:evt_1", 100,
         "[{\"kind\":\"payment\",\"key\":\"in_1\",\"status\":\"paid\"},"
         "{\"kind\":\"link\",\"key\":\"ch_1\",\"object\":\"in_1\"}]");
    note(stage, "stripe:evt_2", 100,
         "[{\"kind\":\"refund_state\",\"key\":\"re_1\",\"status\":\"succeeded\","
         "\"object\":\"ch_1\",\"amount\":5}]");
    assert_true(next(stage, 160, &hunt));
    bool needed;
    assert_int_equal(hunt_needed(stage->txn, &hunt, &needed), OK);
    assert_true(needed);
    note(stage, "stripe:evt_3", 101, "[{\"kind\":\"refund\",\"key\":\"ch_1\",\"amount\":5}]");
    assert_int_equal(hunt_needed(stage->txn, &hunt, &needed), OK);
    assert_false(needed);
}

static void what_is_foreign_is_not_hunted_and_tries_end(void **state)
{
    struct stage *stage = *state;
    struct hunt hunt;
    note(stage, "stripe:evt_1", 100,
         "[{\"kind\":\"dispute\",\"key\":\"du_1\",\"status\":\"open\",\"object\":\"ch_1\","
         "\"foreign\":true}]");
    assert_false(next(stage, 9999, &hunt));
    note(stage, "stripe:evt_2", 100,
         "[{\"kind\":\"dispute\",\"key\":\"du_2\",\"status\":\"open\",\"object\":\"ch_2\"}]");
    for (int i = 0; i < HUNT_TRIES_MAX; i++) {
        assert_true(next(stage, 9999, &hunt));
        assert_int_equal(hunts_later(stage->txn, &hunt, 0, false), OK); /* no key: not counted */
        assert_int_equal(hunts_later(stage->txn, &hunt, 0, true), OK);
    }
    assert_true(next(stage, 9999, &hunt));
    assert_int_equal(hunts_later(stage->txn, &hunt, 0, true), OK);
    assert_false(next(stage, 9999, &hunt));
}

static void what_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        enum hunt_what what;
        const char *path, *query;
    } rows[] = {
        {HUNT_CHARGE, "/v1/charges/x%2F1", ""},
        {HUNT_PAYMENTS, "/v1/invoice_payments",
         "payment%5Btype%5D=payment_intent&payment%5Bpayment_intent%5D=x%2F1"},
        {HUNT_INVOICE, "/v1/invoices/x%2F1", ""},
        {HUNT_CHECKOUT, "/v1/checkout/sessions", "payment_intent=x%2F1"},
        {HUNT_CUSTOMER, "/v1/customers/x%2F1", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hunt hunt = {.what = rows[i].what, .id = "x/1"};
        struct buf path = {0}, query = {0};
        hunt_path(&hunt, &path, &query);
        assert_string_equal(buf_text(&path), rows[i].path);
        assert_string_equal(buf_text(&query), rows[i].query);
        buf_fini(&path);
        buf_fini(&query);
    }
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(the_newest_is_known_and_what_was_found_counts),
        ON_STAGE(links_lead_home_but_not_by_the_customer),
        ON_STAGE(what_nobody_told_of_is_hunted),
        ON_STAGE(a_refund_that_its_charge_never_told_of_is_hunted),
        ON_STAGE(what_is_foreign_is_not_hunted_and_tries_end),
        cmocka_unit_test(what_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
