/* Whole histories as Stripe tells them, from the body to the member: in every order, and with what
 * was told repeated, they end in one place. The bodies are those of tests/fixtures/stripe. */
#include "ledger/stories.h"

#include "home.h"
#include "json_tape.h"
#include "stripe_facts.h"

enum { BODIES_MAX = 9, COPIES = 20 };

struct history {
    const char *name;
    const char *ends;
    const char *bodies[BODIES_MAX];
};

#define WHO "ada@example.com"
#define PURCHASE                                                                                   \
    "customer_created", "checkout_subscription", "subscription_created", "subscription_updated",   \
        "invoice_paid", "charge_succeeded", "invoice_payment_paid"

static const struct history histories[] = {
    {"a purchase",
     "active+ " WHO " [member] mailer/welcome",
     {PURCHASE, "payment_intent_succeeded"}},
    {"a purchase, refunded before anything else is known",
     "revoked- " WHO " [refunded] support/refund:ch_ada_1",
     {"charge_refunded", "invoice_payment_paid", "invoice_paid", "customer_created",
      "subscription_updated"}},
    {"a purchase, partly refunded",
     "active+ " WHO " [member] support/refund:ch_ada_1:900 mailer/welcome",
     {"charge_refunded_partly", "refund_updated", "refund_created", "invoice_payment_paid",
      "invoice_paid", "customer_created", "subscription_updated"}},
    {"the partial refund fails",
     "active+ " WHO " [member] mailer/welcome",
     {"charge_refunded_partly", "refund_failed", "refund_created", "invoice_payment_paid",
      "invoice_paid", "customer_created", "subscription_updated"}},
    {"the renewal fails",
     "paused- " WHO " [payment-failed] alert/card:in_ada_2 mailer/card:in_ada_2",
     {"customer_created", "invoice_paid", "subscription_updated", "invoice_payment_failed",
      "subscription_past_due", "invoice_action_required"}},
    {"the renewal is paid",
     "active+ " WHO " [member] mailer/welcome",
     {"customer_created", "invoice_paid", "subscription_updated", "invoice_paid_renewal",
      "invoice_action_required"}},
    {"an older invoice is refunded, the newest is paid",
     "active+ " WHO " [member] support/refund:ch_ada_1 mailer/welcome",
     {"customer_created", "invoice_paid", "invoice_payment_paid", "subscription_updated",
      "invoice_paid_renewal", "charge_refunded"}},
    {"deleted before it is paid",
     "ended- " WHO " [cancelled] mailer/goodbye:sub_ada",
     {"subscription_deleted", "invoice_paid", "customer_created", "subscription_created",
      "subscription_updated"}},
    {"will end",
     "ending+ " WHO " [member ending] mailer/welcome",
     {"subscription_will_end", "invoice_paid", "customer_created", "subscription_created",
      "subscription_updated"}},
    {"a dispute before its links",
     "revoked- " WHO " [disputed] alert/dispute:du_ada_1 support/dispute:du_ada_1",
     {"dispute_created", "dispute_updated", "charge_succeeded", "invoice_payment_paid",
      "invoice_paid", "subscription_updated", "customer_created"}},
    {"a dispute, won",
     "active+ " WHO " [member] support/dispute:du_ada_1:closed mailer/welcome",
     {"dispute_created", "dispute_won", "dispute_funds_reinstated", "invoice_payment_paid",
      "invoice_paid", "subscription_updated", "customer_created"}},
    {"a dispute, lost",
     "revoked- " WHO " [disputed] support/dispute:du_ada_1:closed",
     {"dispute_lost", "dispute_funds_withdrawn", "dispute_created", "invoice_payment_paid",
      "invoice_paid", "subscription_updated", "customer_created"}},
    {"an inquiry",
     "active+ " WHO " [member] mailer/welcome",
     {"dispute_inquiry", "dispute_inquiry_closed", "invoice_payment_paid", "invoice_paid",
      "subscription_updated", "customer_created"}},
    {"a trial, paid with nothing",
     "trialing+ " WHO " [trial] mailer/welcome",
     {"subscription_trialing", "subscription_trial_will_end", "invoice_paid_zero",
      "customer_created"}},
    {"before basil",
     NULL,
     {"subscription_old_shape", "invoice_paid_old_shape", "charge_succeeded_old_shape"}},
    {"a one-off purchase whose money came late",
     "active+ ada@example.com [member] mailer/welcome",
     {"checkout_unpaid", "checkout_async_succeeded", "customer_created"}},
    {"a guest", "active+ guest@example.com [member] mailer/welcome", {"checkout_guest"}},
    {"a guest with a full discount",
     "active+ guest@example.com [member] mailer/welcome",
     {"checkout_guest_free"}},
};

static struct rules rules;

static void tell_body(struct factset *set, const char *name)
{
    static const struct provider_rules provider = {
        .live = false, .products = "", .app_user_keys = "user_id app_user userId"};
    char *path = must_sprintf("%s/tests/fixtures/stripe/%s.json", USHER_SOURCE, name), *body;
    size_t len;
    assert_int_equal(home_read_file(path, 1 << 20, &body, &len), OK);
    struct tape tape = {0};
    struct translation translation;
    assert_int_equal(tape_parse(&tape, body, len), OK);
    assert_int_equal(stripe_facts(&tape, &provider, &translation), OK);
    assert_true(translation.fact_count > 0);
    for (size_t i = 0; i < translation.fact_count; i++) {
        factset_add(set, "stripe", &translation.facts[i], START);
    }
    tape_fini(&tape);
    free(body);
    free(path);
}

static char *words_of(const struct factset *sets, const size_t *order, size_t count)
{
    struct factset set = {0};
    for (size_t i = 0; i < count; i++) {
        factset_merge(&set, &sets[order[i]]);
    }
    struct view *view = view_new(&set, &rules);
    char *words = story_words(view);
    view_destroy(&view);
    factset_fini(&set);
    return words;
}

/* Heap's way through all orders. */
static void permute(const struct history *history, const struct factset *sets, size_t *order,
                    size_t count, size_t left, const char *first)
{
    if (left == 1) {
        char *words = words_of(sets, order, count);
        if (strcmp(words, first) != 0) {
            fail_msg("%s: %s in another order, %s first", history->name, words, first);
        }
        free(words);
        return;
    }
    for (size_t i = 0; i < left; i++) {
        permute(history, sets, order, count, left - 1, first);
        size_t other = left % 2 ? 0 : i, swap = order[other];
        order[other] = order[left - 1];
        order[left - 1] = swap;
    }
}

static void every_order_of_stripes_events_ends_the_same(void **state)
{
    (void)state;
    for (size_t h = 0; h < sizeof histories / sizeof *histories; h++) {
        const struct history *history = &histories[h];
        struct factset sets[BODIES_MAX] = {0};
        size_t order[BODIES_MAX], count = 0;
        while (count < BODIES_MAX && history->bodies[count]) {
            tell_body(&sets[count], history->bodies[count]);
            order[count] = count;
            count++;
        }
        char *first = words_of(sets, order, count);
        if (history->ends && strcmp(first, history->ends) != 0) {
            fail_msg("%s: ends as %s, not as %s", history->name, first, history->ends);
        }
        permute(history, sets, order, count, count, first);
        for (size_t i = 0; i < count; i++) {
            factset_fini(&sets[i]);
        }
        free(first);
    }
}

static void twenty_copies_shuffled_are_one_purchase(void **state)
{
    (void)state;
    static const char *const bodies[] = {PURCHASE};
    enum { COUNT = sizeof bodies / sizeof *bodies };
    struct factset set = {0};
    uint32_t at = 0;
    for (int i = 0; i < COPIES * COUNT; i++) {
        at = (at + 5) % COUNT; /* 5 and 7: every body, twenty times, out of order */
        tell_body(&set, bodies[at]);
    }
    struct view *view = view_new(&set, &rules);
    assert_int_equal(view->member_count, 1);
    char *words = story_words(view);
    assert_string_equal(words, "active+ " WHO " [member] mailer/welcome");
    free(words);
    view_destroy(&view);
    factset_fini(&set);
}

int main(void)
{
    rules_default(&rules);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_stripes_events_ends_the_same),
        cmocka_unit_test(twenty_copies_shuffled_are_one_purchase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
