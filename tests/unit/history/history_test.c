/* Whole histories as Stripe tells them, from the body to the member: in every order, and with what
 * was told repeated, they end in one place. The bodies are those of tests/fixtures/stripe. */
#include "told.h"

extern const struct provider provider_stripe;

static const struct teller stripe = {"stripe", &provider_stripe, NULL};

enum { COPIES = 20 };

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

static void every_order_of_stripes_events_ends_the_same(void **state)
{
    (void)state;
    TELL(&stripe, histories);
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
        tell_body(&set, &stripe, bodies[at]);
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
