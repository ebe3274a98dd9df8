#include "test.h"

#include "known.h"

static struct fact fact_of(enum fact_kind kind, const char *status, int64_t at_s)
{
    return (struct fact){.kind = kind,
                         .key = "x",
                         .status = status,
                         .at_ms = at_s * 1000,
                         .customer = "",
                         .email = "",
                         .name = "",
                         .app_user = "",
                         .subscription = "",
                         .payment_intent = "",
                         .object = "",
                         .reason = "",
                         .currency = ""};
}

/* kept, fresh: does the fresh one take its place? */
static const struct join {
    enum fact_kind kind;
    const char *kept;
    int64_t kept_s;
    const char *fresh;
    int64_t fresh_s;
    bool takes;
} joins[] = {
    {FACT_PAYMENT, "failed", 9, "paid", 1, true},
    {FACT_PAYMENT, "paid", 1, "failed", 9, false},
    {FACT_PAYMENT, "failed", 1, "failed", 9, false},
    {FACT_REFUND_STATE, "pending", 9, "succeeded", 1, true},
    {FACT_REFUND_STATE, "failed", 1, "succeeded", 9, false},
    {FACT_DISPUTE, "open", 9, "lost", 1, true},
    {FACT_DISPUTE, "won", 1, "lost", 9, true},
    {FACT_DISPUTE, "lost", 9, "won", 1, false},
    {FACT_DISPUTE, "won", 5, "lost", 5, true},
    {FACT_DISPUTE, "open", 1, "inquiry", 9, false},
    {FACT_SUBSCRIPTION, "active", 1, "canceled", 2, true},
    {FACT_SUBSCRIPTION, "canceled", 2, "active", 1, false},
    {FACT_SUBSCRIPTION, "canceled", 2, "active", 3, true},
    {FACT_SUBSCRIPTION, "active", 2, "canceled", 2, true},
    {FACT_SUBSCRIPTION, "past_due", 2, "active", 2, false},
    {FACT_CUSTOMER, "", 1, "", 2, true},
    {FACT_CUSTOMER, "", 2, "", 1, false},
};

static void test_joins(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        struct fact kept = fact_of(joins[i].kind, joins[i].kept, joins[i].kept_s);
        struct fact fresh = fact_of(joins[i].kind, joins[i].fresh, joins[i].fresh_s);
        bool doubt;
        if (known_join(&kept, &fresh, &doubt) != joins[i].takes || doubt) {
            fail_msg("row %zu", i);
        }
    }
}

static void test_refunds_grow(void **state)
{
    (void)state;
    struct fact small = fact_of(FACT_REFUND, "", 9), large = fact_of(FACT_REFUND, "", 1);
    bool doubt;
    small.amount = 100;
    large.amount = 200;
    assert_true(known_join(&small, &large, &doubt));
    assert_false(known_join(&large, &small, &doubt));
}

static void test_of_one_second_and_unlike_is_a_doubt(void **state)
{
    (void)state;
    struct fact one = fact_of(FACT_SUBSCRIPTION, "active", 5);
    struct fact other = one;
    bool doubt;
    assert_false(known_join(&one, &other, &doubt));
    assert_false(doubt);
    other.ends_ms = 99;
    assert_false(known_join(&one, &other, &doubt));
    assert_true(doubt);
    other.at_ms += 1000;
    assert_true(known_join(&one, &other, &doubt));
    assert_false(doubt);
}

static const struct difference {
    enum fact_kind kind;
    const char *known, *fetched;
    const char *words; /* NULL: no difference */
} differences[] = {
    {FACT_PAYMENT, "failed", "paid", "failed here, paid at the provider"},
    {FACT_PAYMENT, "paid", "paid", NULL},
    {FACT_PAYMENT, "paid", "failed", NULL},
    {FACT_DISPUTE, "open", "lost", "open here, lost at the provider"},
    {FACT_DISPUTE, "won", "lost", "won here, lost at the provider"},
    {FACT_DISPUTE, "lost", "open", NULL},
    {FACT_REFUND_STATE, "pending", "failed", "pending here, failed at the provider"},
    {FACT_REFUND_STATE, "failed", "succeeded", NULL},
    {FACT_SUBSCRIPTION, "active", "canceled", "active here, canceled at the provider"},
    {FACT_SUBSCRIPTION, "canceled", "active", "canceled here, active at the provider"},
    {FACT_SUBSCRIPTION, "active", "active", NULL},
};

static void assert_words(const struct fact *known, const struct fact *fetched, const char *wanted)
{
    struct buf words = {0};
    bool differs = known_differs(known, fetched, &words);
    assert_int_equal(differs, wanted != NULL);
    assert_string_equal(buf_text(&words), wanted ? wanted : "");
    buf_fini(&words);
}

static void test_differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        const struct difference *row = &differences[i];
        struct fact known = fact_of(row->kind, row->known, 1);
        struct fact fetched = fact_of(row->kind, row->fetched, 2);
        assert_words(&known, &fetched, row->words);
    }
    struct fact known = fact_of(FACT_SUBSCRIPTION, "active", 1), fetched = known;
    assert_words(NULL, &fetched, "subscription never told of");
    fetched.until_ms = 7;
    assert_words(&known, &fetched, "other dates at the provider");
    known = fetched = fact_of(FACT_CUSTOMER, "", 1);
    fetched.email = "ada@example.com"; /* the words do not name it */
    assert_words(&known, &fetched, "another name or address at the provider");
    fetched.deleted = true;
    assert_words(&known, &fetched, "deleted at the provider");
    known = fetched = fact_of(FACT_REFUND, "", 1);
    fetched.amount = 1;
    assert_words(&known, &fetched, "more refunded at the provider");
    assert_words(&fetched, &known, NULL);
}

static void test_stamps(void **state)
{
    (void)state;
    struct fact fetched = fact_of(FACT_SUBSCRIPTION, "canceled", 0);
    struct fact known = fact_of(FACT_SUBSCRIPTION, "active", 1000);
    /* unknown: its own time; known: later than that, and a little before we asked */
    assert_int_equal(known_stamp(NULL, &fetched, 777000, 5000000), 777000);
    assert_int_equal(known_stamp(&known, &fetched, 777000, 5000999), 4995000);
    assert_int_equal(known_stamp(&known, &fetched, 777000, 1002000), 1001000);
    assert_int_equal(known_stamp(&known, &fetched, 777000, 500000), 1001000);
    struct fact paid = fact_of(FACT_PAYMENT, "paid", 0),
                failed = fact_of(FACT_PAYMENT, "failed", 9);
    assert_int_equal(known_stamp(&failed, &paid, 777000, 5000000), 777000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joins),
        cmocka_unit_test(test_refunds_grow),
        cmocka_unit_test(test_of_one_second_and_unlike_is_a_doubt),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_stamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
