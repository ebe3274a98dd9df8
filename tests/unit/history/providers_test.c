/* Whole histories as the other payment providers tell them: a join, a renewal, a card that failed,
 * a refund whole and in part, a chargeback, a cancellation at the period's end, an end. Whoever tells
 * them, they end alike. The bodies are those of tests/fixtures. */
#include "told.h"

#include "mapping.h"

extern const struct provider provider_paddle, provider_lemonsqueezy, provider_standard;

#define WHO "ada@example.com"

static void paddle(void **state)
{
    (void)state;
    static const struct teller teller = {"paddle", &provider_paddle, NULL};
    static const struct history histories[] = {
        {"a join",
         "active+ " WHO " [member] mailer/welcome",
         {"customer_created", "subscription_created", "subscription_activated",
          "transaction_completed"}},
        {"a declined card at the checkout, then a join",
         "active+ " WHO " [member] mailer/welcome",
         {"checkout_failed", "customer_created", "subscription_created", "transaction_completed"}},
        {"a declined card at the checkout",
         "none- " WHO " []",
         {"checkout_failed", "customer_created"}},
        {"a trial",
         "trialing+ " WHO " [trial] mailer/welcome",
         {"customer_created", "subscription_trialing", "trial_completed"}},
        {"a renewal",
         "active+ " WHO " [member] mailer/welcome",
         {"customer_created", "subscription_created", "transaction_completed", "renewal_completed",
          "renewal_updated"}},
        {"a renewal that fails",
         "paused- " WHO " [payment-failed] alert/card:txn_ada_2 mailer/card:txn_ada_2",
         {"customer_created", "subscription_created", "transaction_completed", "renewal_failed",
          "renewal_past_due", "subscription_past_due"}},
        {"a renewal that fails, and another card for nothing",
         "paused- " WHO " [payment-failed] alert/card:txn_ada_2 mailer/card:txn_ada_2",
         {"customer_created", "subscription_created", "transaction_completed", "renewal_failed",
          "subscription_past_due", "card_changed"}},
        {"a renewal that fails, then is paid",
         "active+ " WHO " [member] mailer/back:txn_ada_2",
         {"customer_created", "subscription_created", "transaction_completed", "renewal_failed",
          "renewal_completed", "renewal_updated"}},
        {"a refund",
         "revoked- " WHO " [refunded] support/refund:txn_ada_1",
         {"customer_created", "subscription_created", "transaction_completed", "refund_pending",
          "refund_approved"}},
        {"a refund that is not approved",
         "active+ " WHO " [member] mailer/welcome",
         {"customer_created", "subscription_created", "transaction_completed", "refund_pending",
          "refund_rejected"}},
        {"a refund that is taken back",
         "active+ " WHO " [member] mailer/welcome",
         {"customer_created", "subscription_created", "transaction_completed", "refund_approved",
          "refund_reversed"}},
        {"a part is refunded",
         "active+ " WHO " [member] support/refund:txn_ada_1:900 mailer/welcome",
         {"customer_created", "subscription_created", "transaction_completed", "refund_partial"}},
        {"two parts that are the whole",
         "revoked- " WHO " [refunded] support/refund:txn_ada_1",
         {"customer_created", "subscription_created", "transaction_completed", "refund_partial",
          "refund_rest"}},
        {"a chargeback",
         "revoked- " WHO " [disputed] alert/dispute:txn_ada_1 support/dispute:txn_ada_1",
         {"customer_created", "subscription_created", "transaction_completed", "chargeback"}},
        {"a chargeback, reversed",
         "active+ " WHO " [member] support/dispute:txn_ada_1:closed mailer/welcome",
         {"customer_created", "subscription_created", "transaction_completed", "chargeback",
          "chargeback_reverse"}},
        {"a warning of a chargeback",
         "active+ " WHO " [member] mailer/welcome",
         {"customer_created", "subscription_created", "transaction_completed",
          "chargeback_warning"}},
        {"will end",
         "ending+ " WHO " [member ending] mailer/welcome",
         {"customer_created", "subscription_created", "transaction_completed",
          "subscription_will_end"}},
        {"has ended",
         "ended- " WHO " [cancelled] mailer/goodbye:sub_ada",
         {"customer_created", "subscription_created", "transaction_completed",
          "subscription_will_end", "subscription_canceled"}},
        {"paused",
         "paused- " WHO " [payment-failed]",
         {"customer_created", "subscription_created", "transaction_completed",
          "subscription_paused"}},
        {"a purchase without subscription",
         "active+ " WHO " [member] mailer/welcome",
         {"customer_created", "one_off"}},
    };
    TELL(&teller, histories);
}

static void lemonsqueezy(void **state)
{
    (void)state;
    static const struct teller teller = {"lemonsqueezy", &provider_lemonsqueezy, NULL};
#define JOIN "order_created", "subscription_created", "first_invoice"
    static const struct history histories[] = {
        {"a join", "active+ " WHO " [member] mailer/welcome", {JOIN, "subscription_updated"}},
        {"a trial", "trialing+ " WHO " [trial] mailer/welcome", {"subscription_trial"}},
        {"a renewal",
         "active+ " WHO " [member] mailer/welcome",
         {JOIN, "renewal_paid", "subscription_renewed"}},
        {"a renewal that fails",
         "paused- " WHO " [payment-failed] alert/card:inv_71 mailer/card:inv_71",
         {JOIN, "renewal_failed", "subscription_past_due"}},
        {"a renewal that fails, then is paid",
         "active+ " WHO " [member] mailer/back:inv_71",
         {JOIN, "renewal_failed", "subscription_past_due", "renewal_recovered",
          "subscription_renewed"}},
        {"dunning is over",
         "paused- " WHO " [payment-failed] alert/card:inv_71 mailer/card:inv_71",
         {JOIN, "renewal_failed", "subscription_unpaid"}},
        {"a refund",
         "revoked- " WHO " [refunded] support/refund:order_7",
         {JOIN, "order_refunded"}},
        {"a refund that the first invoice tells as well",
         "revoked- " WHO " [refunded] support/refund:order_7",
         {JOIN, "order_refunded", "first_invoice_refunded"}},
        {"a refund that the first invoice tells alone",
         "revoked- " WHO " [refunded] support/refund:order_7",
         {JOIN, "first_invoice_refunded"}},
        {"a part is refunded, told twice",
         "active+ " WHO " [member] support/refund:order_7:900 mailer/welcome",
         {JOIN, "order_refunded_partly", "first_invoice_refunded_partly"}},
        {"a refund of a renewal",
         "revoked- " WHO " [refunded] support/refund:inv_71",
         {JOIN, "renewal_paid", "renewal_refunded"}},
        {"a part is refunded",
         "active+ " WHO " [member] support/refund:order_7:900 mailer/welcome",
         {JOIN, "order_refunded_partly"}},
        {"will end",
         "ending+ " WHO " [member ending] mailer/welcome",
         {JOIN, "subscription_cancelled"}},
        {"would have ended, and goes on",
         "active+ " WHO " [member] mailer/welcome",
         {JOIN, "subscription_cancelled", "subscription_resumed"}},
        {"has ended",
         "ended- " WHO " [cancelled] mailer/goodbye:sub_7",
         {JOIN, "subscription_cancelled", "subscription_expired"}},
        {"paused", "paused- " WHO " [payment-failed]", {JOIN, "subscription_paused"}},
        {"paused, and free meanwhile",
         "active+ " WHO " [member] mailer/welcome",
         {JOIN, "subscription_paused_free"}},
        {"paused and back",
         "active+ " WHO " [member] mailer/welcome",
         {JOIN, "subscription_paused", "subscription_unpaused"}},
        {"a purchase without subscription",
         "active+ " WHO " [member] mailer/welcome",
         {"order_one_off"}},
    };
    TELL(&teller, histories);
}

static void tell_mapped(const char *name, const struct history *histories, size_t count)
{
    struct mapping *mapping = NULL;
    struct buf why = {0};
    assert_int_equal(mapping_read("/nowhere", name, &mapping, &why), OK);
    const struct teller teller = {name, &provider_standard, mapping};
    tell_every_order(&teller, histories, count);
    mapping_destroy(&mapping);
}

static void polar(void **state)
{
    (void)state;
#undef JOIN
#define JOIN                                                                                       \
    "customer_created", "order_created", "order_paid", "subscription_created", "subscription_active"
    static const struct history histories[] = {
        {"a join", "active+ " WHO " [member] mailer/welcome", {JOIN}},
        {"a trial",
         "trialing+ " WHO " [trial] mailer/welcome",
         {"customer_created", "subscription_trialing"}},
        {"a renewal", "active+ " WHO " [member] mailer/welcome", {JOIN, "renewal_paid"}},
        {"a renewal that fails",
         "paused- " WHO " [payment-failed]",
         {JOIN, "subscription_past_due"}},
        {"a refund",
         "revoked- " WHO " [refunded] support/refund:0a01",
         {JOIN, "order_refunded", "refund_created"}},
        {"a refund that fails",
         "active+ " WHO " [member] mailer/welcome",
         {JOIN, "order_refunded", "refund_failed"}},
        {"a part is refunded",
         "active+ " WHO " [member] support/refund:0a01:900 mailer/welcome",
         {JOIN, "order_refunded_partly"}},
        {"a chargeback",
         "revoked- " WHO " [disputed] support/dispute:0f01:closed support/refund:0a01",
         {JOIN, "refund_disputed"}},
        {"will end",
         "ending+ " WHO " [member ending] mailer/welcome",
         {JOIN, "subscription_canceled"}},
        {"would have ended, and goes on",
         "active+ " WHO " [member] mailer/welcome",
         {JOIN, "subscription_canceled", "subscription_uncanceled"}},
        {"has ended",
         "ended- " WHO " [cancelled] mailer/goodbye:0b01",
         {JOIN, "subscription_canceled", "subscription_revoked"}},
        {"a purchase without subscription",
         "active+ " WHO " [member] mailer/welcome",
         {"customer_created", "order_one_off"}},
    };
    tell_mapped("polar", histories, sizeof histories / sizeof *histories);
}

static void clerk(void **state)
{
    (void)state;
#undef JOIN
#define JOIN "user_created", "item_free", "payment_pending", "payment_paid", "item_active"
    static const struct history histories[] = {
        {"signed up, and nothing bought", "none- " WHO " []", {"user_created", "item_free"}},
        {"a join", "active+ " WHO " [member] mailer/welcome", {JOIN}},
        {"a renewal that fails",
         "paused- " WHO " [payment-failed] alert/card:cpay_2 mailer/card:cpay_2",
         {JOIN, "renewal_failed", "item_past_due"}},
        {"will end", "ending+ " WHO " [member ending] mailer/welcome", {JOIN, "item_canceled"}},
        {"has ended",
         "ended- " WHO " [cancelled] mailer/goodbye:csub_item_1",
         {JOIN, "item_canceled", "item_ended"}},
    };
    tell_mapped("clerk", histories, sizeof histories / sizeof *histories);
}

int main(void)
{
    rules_default(&rules);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paddle),
        cmocka_unit_test(lemonsqueezy),
        cmocka_unit_test(polar),
        cmocka_unit_test(clerk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
