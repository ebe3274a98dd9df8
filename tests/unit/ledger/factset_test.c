/* The join of facts: commutative, associative, idempotent; bytes and back. */
#include "stories.h"

#include "factset.h"

enum { POOL_MAX = 80 };

static struct fact pool[POOL_MAX];
static size_t pool_count;

static void put(struct fact fact)
{
    assert_true(pool_count < POOL_MAX);
    pool[pool_count++] = whole_fact(&fact);
}

/* Facts of every kind that meet under the same keys in every way. */
static void fill_pool(void)
{
    static const char *const words[] = {"incomplete", "trialing", "active",   "past_due",
                                        "unpaid",     "paused",   "canceled", "incomplete_expired"};
    static const char *const disputes[] = {"inquiry", "open", "won", "lost"};
    for (int at = 0; at < 2; at++) {
        int64_t at_ms = START + at * DAY;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            put((struct fact){.kind = FACT_SUBSCRIPTION,
                              .key = "sub_1",
                              .status = words[i],
                              .customer = "cus_1",
                              .at_ms = at_ms});
        }
        for (size_t i = 0; i < sizeof disputes / sizeof *disputes; i++) {
            put((struct fact){.kind = FACT_DISPUTE,
                              .key = "dp_1",
                              .status = disputes[i],
                              .object = "ch_1",
                              .amount = 100 * at,
                              .at_ms = at_ms});
        }
        for (int amount = 1; amount < 4; amount++) {
            put((struct fact){.kind = FACT_REFUND,
                              .key = "ch_1",
                              .amount = amount,
                              .of = 3,
                              .currency = "usd",
                              .at_ms = at_ms});
        }
        put((struct fact){.kind = FACT_PAYMENT,
                          .key = "in_1",
                          .status = "failed",
                          .amount = 5,
                          .customer = "cus_1",
                          .email = "Ada@Example.com ",
                          .at_ms = at_ms});
        put((struct fact){.kind = FACT_PAYMENT,
                          .key = "in_1",
                          .status = "paid",
                          .amount = 5,
                          .app_user = "u1",
                          .foreign = at,
                          .at_ms = at_ms});
        put((struct fact){.kind = FACT_CUSTOMER,
                          .key = "cus_1",
                          .email = at ? "a@x" : "b@x",
                          .name = "A",
                          .at_ms = at_ms});
        put((struct fact){.kind = FACT_CUSTOMER, .key = "cus_1", .deleted = true, .at_ms = at_ms});
        put((struct fact){.kind = FACT_LINK,
                          .key = at ? "pi_1" : "in_1",
                          .object = at ? "in_1" : "pi_1",
                          .email = "a@x",
                          .at_ms = at_ms});
        put((struct fact){.kind = FACT_TICKET,
                          .key = "t1",
                          .status = at ? "closed" : "open",
                          .email = at ? "" : "a@x",
                          .at_ms = START});
        put((struct fact){.kind = FACT_TICKET,
                          .key = "t1",
                          .status = "open",
                          .email = at ? "b@x" : "c@x",
                          .reason = at ? "Help" : "",
                          .at_ms = START});
        put((struct fact){.kind = FACT_BOUNCE,
                          .key = "mail_1",
                          .status = at ? "hard" : "soft",
                          .email = "A@x",
                          .reason = at ? "NoEmail" : "General",
                          .at_ms = START});
    }
    static const char *const states[] = {"pending", "succeeded", "failed"};
    for (size_t i = 0; i < 3; i++) {
        put((struct fact){.kind = FACT_REFUND_STATE,
                          .key = "re_1",
                          .status = states[i],
                          .object = i ? "ch_1" : "",
                          .payment_intent = "pi_1",
                          .amount = 2,
                          .at_ms = START + (int64_t)i});
    }
}

static void pack(const size_t *order, size_t count, struct buf *out)
{
    struct factset set = {0};
    for (size_t i = 0; i < count; i++) {
        factset_add(&set, "stripe", &pool[order[i]], START + (int64_t)order[i]);
    }
    buf_reset(out);
    factset_pack(&set, out);
    factset_fini(&set);
}

static void assert_same(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->bytes, b->bytes, a->len);
}

static void every_triple_joins_in_every_order(void **state)
{
    (void)state;
    static const size_t orders[5][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct buf first = {0}, other = {0};
    for (size_t a = 0; a < pool_count; a++) {
        for (size_t b = a; b < pool_count; b++) {
            for (size_t c = b; c < pool_count; c++) {
                size_t triple[3] = {a, b, c};
                pack(triple, 3, &first);
                for (size_t o = 0; o < 5; o++) {
                    size_t order[3] = {triple[orders[o][0]], triple[orders[o][1]],
                                       triple[orders[o][2]]};
                    pack(order, 3, &other);
                    assert_same(&first, &other);
                }
                size_t again[5] = {c, a, b, a, c};
                pack(again, 5, &other);
                assert_same(&first, &other);
            }
        }
    }
    buf_fini(&first);
    buf_fini(&other);
}

static void sets_merge_as_if_told_together(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= pool_count; cut++) {
        struct factset left = {0}, right = {0}, all = {0};
        struct buf a = {0}, b = {0}, c = {0};
        for (size_t i = 0; i < pool_count; i++) {
            factset_add(i < cut ? &left : &right, "stripe", &pool[i], START);
            factset_add(&all, "stripe", &pool[i], START);
        }
        struct factset left_too = {0};
        factset_merge(&left_too, &left);
        factset_merge(&left, &right);
        factset_merge(&right, &left_too);
        factset_merge(&right, &right);
        factset_pack(&left, &a);
        factset_pack(&right, &b);
        factset_pack(&all, &c);
        assert_same(&a, &b);
        assert_same(&a, &c);
        struct factset back = {0};
        assert_int_equal(factset_unpack(a.bytes, a.len, &back), OK);
        buf_reset(&b);
        factset_pack(&back, &b);
        assert_same(&a, &b);
        for (size_t len = 0; len < a.len; len += 7) { /* cut short: refused, never read past */
            struct factset torn = {0};
            uint8_t *bytes = must_malloc(len + 1);
            memcpy(bytes, a.bytes, len);
            assert_int_equal(factset_unpack(bytes, len, &torn), FAULT_CORRUPT);
            free(bytes);
            factset_fini(&torn);
        }
        factset_fini(&left);
        factset_fini(&left_too);
        factset_fini(&right);
        factset_fini(&all);
        factset_fini(&back);
        buf_fini(&a);
        buf_fini(&b);
        buf_fini(&c);
    }
}

static void what_is_paid_stays_paid(void **state)
{
    (void)state;
    struct factset set = {0};
    struct fact paid = whole_fact(
        &(struct fact){.kind = FACT_PAYMENT, .key = "in_1", .status = "paid", .at_ms = 1});
    struct fact failed = paid;
    failed.status = "failed";
    failed.at_ms = 2;
    factset_add(&set, "stripe", &paid, 1);
    factset_add(&set, "stripe", &failed, 1);
    assert_string_equal(factset_find(&set, ROW_PAYMENT, "stripe", "in_1")->status, "paid");
    assert_null(factset_find(&set, ROW_PAYMENT, "paddle", "in_1"));
    factset_fini(&set);
}

static void the_newest_subscription_counts_and_ties_are_decided(void **state)
{
    (void)state;
    static const char *const ranked[] = {"canceled", "unpaid",   "past_due",  "paused",
                                         "active",   "trialing", "incomplete"};
    for (size_t i = 0; i < 7; i++) {
        for (size_t j = 0; j < 7; j++) {
            struct factset set = {0};
            struct fact a = whole_fact(&(struct fact){
                .kind = FACT_SUBSCRIPTION, .key = "s", .status = ranked[i], .at_ms = 5});
            struct fact b = a;
            b.status = ranked[j];
            factset_add(&set, "stripe", &a, 1);
            factset_add(&set, "stripe", &b, 1);
            assert_string_equal(factset_find(&set, ROW_SUBSCRIPTION, "stripe", "s")->status,
                                ranked[i < j ? i : j]);
            b.at_ms = 6;
            factset_add(&set, "stripe", &b, 1);
            factset_add(&set, "stripe", &a, 1);
            assert_string_equal(factset_find(&set, ROW_SUBSCRIPTION, "stripe", "s")->status,
                                ranked[j]);
            factset_fini(&set);
        }
    }
}

static void addresses_are_compared_in_lower_case(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_string_equal(email_normal(&arena, "  Ada@Example.COM\n"), "ada@example.com");
    assert_string_equal(email_normal(&arena, "not an address"), "");
    assert_string_equal(email_normal(&arena, ""), "");
    arena_fini(&arena);
}

int main(void)
{
    fill_pool();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_triple_joins_in_every_order),
        cmocka_unit_test(sets_merge_as_if_told_together),
        cmocka_unit_test(what_is_paid_stays_paid),
        cmocka_unit_test(the_newest_subscription_counts_and_ties_are_decided),
        cmocka_unit_test(addresses_are_compared_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
