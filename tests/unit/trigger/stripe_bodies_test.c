/* stripe_bodies_test.c - what `usher trigger` sends is what the door takes, and means what it says. */
#include "test.h"

#include "json_tape.h"
#include "must.h"
#include "stripe_bodies.h"
#include "stripe_facts.h"
#include "stripe_signature.h"
#include "values.h"

enum { NOW_S = 1795428000 };

static json_t *told(const char *word, const struct stripe_case *at)
{
    const struct stripe_story *story = stripe_story_find(word);
    assert_non_null(story);
    json_t *events = json_array();
    stripe_story_tell(story, at, events);
    assert_true(json_array_size(events) > 0);
    return events;
}

static json_t *told_by_default(const char *word)
{
    struct stripe_case at = stripe_case_default("ada@example.com", NOW_S);
    return told(word, &at);
}

static json_t *event_of(const json_t *events, const char *type)
{
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        if (strcmp(tree_text(event, "type"), type) == 0) {
            return event;
        }
    }
    fail_msg("no %s", type);
    return NULL;
}

static json_t *object_of(const json_t *events, const char *type)
{
    return tree_get(tree_get(event_of(events, type), "data"), "object");
}

static void translate(const json_t *event, struct tape *tape, struct translation *out)
{
    struct provider_rules rules = {.live = false, .products = "", .app_user_keys = "user_id"};
    char *body = json_dumps(event, JSON_INDENT(2));
    assert_int_equal(tape_parse(tape, body, strlen(body)), OK);
    assert_int_equal(stripe_facts(tape, &rules, out), OK);
    free(body);
}

static void check_signature(void **state)
{
    (void)state;
    struct buf header = {0};
    const char body[] = "{\"id\":\"evt_1\"}";
    struct slice bytes = {body, strlen(body)};
    stripe_sign("whsec_a", NOW_S, body, strlen(body), &header);
    const char *signature = buf_text(&header);
    assert_int_equal(stripe_signature_check(signature, bytes, "whsec_a", NOW_S, 300),
                     VERDICT_GENUINE);
    assert_int_equal(stripe_signature_check(signature, bytes, "whsec_b", NOW_S, 300),
                     VERDICT_FORGED);
    assert_int_equal(stripe_signature_check(signature, bytes, "whsec_a", NOW_S + 301, 300),
                     VERDICT_STALE);
    buf_fini(&header);
}

/* No story but the one where nothing is bought sends what would be ignored, in either shape. */
static void check_all_mean_something(void **state)
{
    (void)state;
    struct tape tape = {0};
    const struct stripe_story *story;
    for (size_t n = 0; (story = stripe_story_nth(n)); n++) {
        for (int old = 0; old < 2; old++) {
            struct stripe_case at = stripe_case_default("ada@example.com", NOW_S);
            at.old_shape = old;
            json_t *events = told(story->word, &at), *event;
            bool main_seen = false;
            size_t i;
            json_array_foreach(events, i, event)
            {
                struct translation out;
                translate(event, &tape, &out);
                bool nothing = strcmp(story->word, "checkout.expired") == 0;
                assert_int_equal(*out.ignored != '\0', nothing);
                assert_true(out.created_s <= NOW_S && out.created_s >= NOW_S - 10);
                main_seen |= strcmp(out.provider_type, story->main_type) == 0;
            }
            assert_true(main_seen);
            json_decref(events);
        }
    }
    tape_fini(&tape);
}

static void check_purchase(void **state)
{
    (void)state;
    static const char *const types[] = {"customer.created",
                                        "customer.subscription.created",
                                        "charge.succeeded",
                                        "payment_intent.succeeded",
                                        "invoice.paid",
                                        "invoice_payment.paid",
                                        "customer.subscription.updated",
                                        "checkout.session.completed"};
    json_t *events = told_by_default("payment.succeeded");
    assert_int_equal(json_array_size(events), sizeof types / sizeof *types);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        (void)event_of(events, types[i]);
    }
    struct tape tape = {0};
    struct translation out;
    translate(event_of(events, "invoice.paid"), &tape, &out);
    assert_string_equal(out.type, "payment.succeeded");
    assert_int_equal(out.facts[0].kind, FACT_PAYMENT);
    assert_string_equal(out.facts[0].status, "paid");
    assert_string_equal(out.facts[0].email, "ada@example.com");
    assert_int_equal(out.facts[0].amount, 2900);
    assert_string_equal(out.facts[0].subscription,
                        tree_text(object_of(events, "customer.subscription.created"), "id"));
    tape_fini(&tape);
    json_decref(events);
}

/* Without any state: the refund is of the payment's charge, the renewal of the same subscription. */
static void check_later_ones_find_it(void **state)
{
    (void)state;
    json_t *bought = told_by_default("payment.succeeded");
    json_t *refunded = told_by_default("payment.refunded");
    json_t *renewed = told_by_default("payment.renewed");
    json_t *again = told_by_default("reactivated");
    json_t *disputed = told_by_default("dispute.opened"),
           *closed = told_by_default("dispute.closed");
    const char *charge = tree_text(object_of(bought, "charge.succeeded"), "id");
    assert_string_equal(tree_text(object_of(refunded, "charge.refunded"), "id"), charge);
    assert_string_equal(tree_text(object_of(disputed, "charge.dispute.created"), "charge"), charge);
    assert_string_equal(tree_text(object_of(disputed, "charge.dispute.created"), "id"),
                        tree_text(object_of(closed, "charge.dispute.closed"), "id"));
    const json_t *first = object_of(bought, "customer.subscription.updated");
    const json_t *month = object_of(renewed, "customer.subscription.updated");
    const json_t *second = object_of(again, "customer.subscription.created");
    assert_string_equal(tree_text(first, "id"), tree_text(month, "id"));
    assert_string_not_equal(tree_text(first, "latest_invoice"), tree_text(month, "latest_invoice"));
    assert_string_not_equal(tree_text(first, "id"), tree_text(second, "id"));
    assert_string_equal(tree_text(first, "customer"), tree_text(second, "customer"));
    json_decref(bought);
    json_decref(refunded);
    json_decref(renewed);
    json_decref(again);
    json_decref(disputed);
    json_decref(closed);
}

static void check_ids(void **state)
{
    (void)state;
    struct stripe_case at = stripe_case_default("ada@example.com", NOW_S);
    at.id = "evt_mine";
    json_t *one = told("payment.succeeded", &at);
    at.at_s += 1000;
    json_t *later = told("payment.succeeded", &at);
    assert_string_equal(tree_text(event_of(one, "invoice.paid"), "id"), "evt_mine");
    for (size_t i = 0; i < json_array_size(one); i++) { /* the same id: the same events again */
        assert_string_equal(tree_text(json_array_get(one, i), "id"),
                            tree_text(json_array_get(later, i), "id"));
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(tree_text(json_array_get(one, i), "id"),
                                    tree_text(json_array_get(one, k), "id"));
        }
    }
    json_t *other = told_by_default("payment.succeeded");
    assert_string_not_equal(tree_text(event_of(other, "customer.created"), "id"),
                            tree_text(event_of(one, "customer.created"), "id"));
    json_decref(one);
    json_decref(later);
    json_decref(other);
}

static void check_guest(void **state)
{
    (void)state;
    struct stripe_case at = stripe_case_default("ada@example.com", NOW_S);
    at.customer = "none";
    json_t *events = told("payment.one_off", &at);
    assert_true(json_is_null(tree_get(object_of(events, "charge.succeeded"), "customer")));
    struct tape tape = {0};
    struct translation out;
    translate(event_of(events, "checkout.session.completed"), &tape, &out);
    assert_string_equal(out.type, "payment.succeeded");
    assert_string_equal(out.facts[0].email, "ada@example.com");
    tape_fini(&tape);
    json_decref(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_signature), cmocka_unit_test(check_all_mean_something),
        cmocka_unit_test(check_purchase),  cmocka_unit_test(check_later_ones_find_it),
        cmocka_unit_test(check_ids),       cmocka_unit_test(check_guest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
