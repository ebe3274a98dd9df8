/* Histories: whatever the order and the repetition, they end in one place. */
#include "stories.h"

#define PAID(k, c, t, ...)                                                                         \
    {                                                                                              \
        .kind = FACT_PAYMENT, .key = k, .status = "paid", .customer = c, .at_ms = START + (t),     \
        .amount = 2900, .currency = "usd", __VA_ARGS__                                             \
    }
#define FAILED(k, c, t, ...)                                                                       \
    {                                                                                              \
        .kind = FACT_PAYMENT, .key = k, .status = "failed", .customer = c, .at_ms = START + (t),   \
        .amount = 2900, .currency = "usd", __VA_ARGS__                                             \
    }
#define SUB(k, c, s, t, ...)                                                                       \
    {                                                                                              \
        .kind = FACT_SUBSCRIPTION, .key = k, .status = s, .customer = c, .at_ms = START + (t),     \
        __VA_ARGS__                                                                                \
    }
#define LINK(a, b, ...)                                                                            \
    {                                                                                              \
        .kind = FACT_LINK, .key = a, .object = b, .at_ms = START, __VA_ARGS__                      \
    }
#define CUSTOMER(k, t, mail)                                                                       \
    {                                                                                              \
        .kind = FACT_CUSTOMER, .key = k, .email = mail, .at_ms = START + (t), .name = "Ada"        \
    }
#define REFUND(k, a, t, ...)                                                                       \
    {                                                                                              \
        .kind = FACT_REFUND, .key = k, .amount = a, .of = 2900, .currency = "usd",                 \
        .at_ms = START + (t), __VA_ARGS__                                                          \
    }
#define STATE(k, s, ch, a, t)                                                                      \
    {                                                                                              \
        .kind = FACT_REFUND_STATE, .key = k, .status = s, .object = ch, .amount = a,               \
        .currency = "usd", .at_ms = START + (t)                                                    \
    }
#define DISPUTE(k, ch, s, t)                                                                       \
    {                                                                                              \
        .kind = FACT_DISPUTE, .key = k, .object = ch, .status = s, .amount = 2900,                 \
        .at_ms = START + (t)                                                                       \
    }
#define S1          .subscription = "sub_1"
#define S2          .subscription = "sub_2"
#define UNTIL(days) .until_ms = START + (days)*DAY
#define ADA         .email = "ada@x.com"

static const struct story stories[] = {
    {"a purchase",
     "active+ ada@x.com [member] mailer/welcome",
     {{{LINK("cs_1", "in_1", ADA), LINK("cs_1", "sub_1", ADA), LINK("cs_1", "cus_1", ADA)}},
      {{SUB("sub_1", "cus_1", "incomplete", 1000), LINK("sub_1", "in_1")}},
      {{SUB("sub_1", "cus_1", "active", 2000, UNTIL(30))}},
      {{PAID("in_1", "cus_1", 3000, S1, ADA, UNTIL(30)), LINK("in_1", "sub_1"),
        LINK("in_1", "cus_1")}},
      {{LINK("ch_1", "pi_1", ADA), LINK("ch_1", "cus_1", ADA)}},
      {{LINK("pi_1", "in_1")}},
      {{CUSTOMER("cus_1", 500, "ada@x.com")}}}},
    {"failed, then paid",
     "active+ ada@x.com [member] mailer/welcome",
     {{{CUSTOMER("cus_1", 0, "ada@x.com")}},
      {{FAILED("in_1", "cus_1", 1000, S1, UNTIL(30))}},
      {{FAILED("in_1", "cus_1", 2000, S1, UNTIL(30), .attempt = 2)}},
      {{PAID("in_1", "cus_1", 3000, S1, UNTIL(30))}},
      {{SUB("sub_1", "cus_1", "active", 3000, UNTIL(30))}},
      {{SUB("sub_1", "cus_1", "incomplete", 900)}}}},
    {"refund before payment",
     "revoked- ada@x.com [refunded] support/refund:ch_1",
     {{{REFUND("ch_1", 2900, 9000, .customer = "cus_1")}},
      {{LINK("ch_1", "pi_1"), LINK("ch_1", "cus_1")}},
      {{LINK("pi_1", "in_1")}},
      {{PAID("in_1", "cus_1", 3000, S1, ADA, UNTIL(30))}},
      {{SUB("sub_1", "cus_1", "active", 3000, UNTIL(30))}},
      {{{.kind = FACT_REFUND_STATE,
         .key = "re_1",
         .status = "succeeded",
         .object = "ch_1",
         .amount = 2900,
         .at_ms = START + 9000}}}}},
    {"the subscription is deleted before it is paid",
     "ended- ada@x.com [cancelled] mailer/goodbye:sub_1",
     {{{SUB("sub_1", "cus_1", "canceled", 9000, .ended_ms = START + 9000)}},
      {{SUB("sub_1", "cus_1", "active", 2000)}},
      {{PAID("in_1", "cus_1", 3000, S1, ADA, UNTIL(30))}},
      {{CUSTOMER("cus_1", 0, "ada@x.com")}}}},
    {"a dispute before its link",
     "revoked- ada@x.com [disputed] alert/dispute:dp_1 support/dispute:dp_1",
     {{{DISPUTE("dp_1", "ch_1", "open", 9000)}},
      {{LINK("ch_1", "pi_1")}},
      {{LINK("pi_1", "in_1")}},
      {{PAID("in_1", "cus_1", 3000, S1, ADA, UNTIL(30))}},
      {{SUB("sub_1", "cus_1", "active", 2000)}},
      {{DISPUTE("dp_2", "ch_1", "inquiry", 8000)}}}},
    {"two subscriptions, one refunded",
     "active+ ada@x.com [member] support/refund:ch_2 mailer/welcome",
     {{{PAID("in_1", "cus_1", 1000, S1, ADA, UNTIL(30)), LINK("ch_1", "in_1")}},
      {{PAID("in_2", "cus_1", 2000, S2, ADA, UNTIL(30))}},
      {{LINK("ch_2", "in_2")}},
      {{REFUND("ch_2", 2900, 9000)}},
      {{SUB("sub_1", "cus_1", "active", 2000)}},
      {{SUB("sub_2", "cus_1", "active", 2000)}}}},
    {"two customers learn late that they share an address",
     "active+ ada@x.com [member] mailer/welcome",
     {{{PAID("in_1", "cus_1", 1000, S1, ADA, UNTIL(30))}},
      {{PAID("in_2", "cus_2", 2000, S2, .email = "a@y.com", UNTIL(30))}},
      {{CUSTOMER("cus_1", 0, "ada@x.com")}},
      {{CUSTOMER("cus_2", 500, "a@y.com")}},
      {{CUSTOMER("cus_2", 9000, "Ada@X.com")}}}},
    {"an older invoice is refunded, the newest is paid",
     "active+ ada@x.com [member] support/refund:ch_1 mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30)), LINK("ch_1", "in_1")}},
      {{PAID("in_2", "cus_1", 30 * DAY, S1, ADA, UNTIL(60))}},
      {{REFUND("ch_1", 2900, 31 * DAY)}},
      {{SUB("sub_1", "cus_1", "active", 30 * DAY, UNTIL(60))}}}},
    {"partly refunded, twice",
     "active+ ada@x.com [member] support/refund:ch_1:900 mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{REFUND("ch_1", 500, 9000)}},
      {{REFUND("ch_1", 900, 9500)}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"a refund that is told by its state alone",
     "revoked- ada@x.com [refunded] support/refund:ch_1",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{STATE("re_1", "succeeded", "ch_1", 2900, 9000)}},
      {{STATE("re_1", "pending", "ch_1", 2900, 8000)}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"parts that are told by their states alone",
     "active+ ada@x.com [member] support/refund:ch_1:1400 mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{STATE("re_1", "succeeded", "ch_1", 900, 9000)}},
      {{STATE("re_2", "succeeded", "ch_1", 500, 9500)}},
      {{STATE("re_3", "failed", "ch_1", 700, 9600)}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"a state whose charge tells more",
     "active+ ada@x.com [member] support/refund:ch_1:900 mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{STATE("re_1", "succeeded", "", 900, 9000), LINK("re_1", "ch_1")}},
      {{REFUND("ch_1", 900, 9000)}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"a state of nobody knows what",
     "active+ ada@x.com [member] mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{STATE("re_1", "succeeded", "ch_9", 2900, 9000)}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"a refund that fails gives access back",
     "active+ ada@x.com [member] mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{REFUND("ch_1", 2900, 9000)}},
      {{{.kind = FACT_REFUND_STATE,
         .key = "re_1",
         .status = "pending",
         .object = "ch_1",
         .amount = 2900,
         .at_ms = START + 9000}}},
      {{{.kind = FACT_REFUND_STATE,
         .key = "re_1",
         .status = "failed",
         .object = "ch_1",
         .amount = 2900,
         .at_ms = START + 9900}}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"the renewal fails",
     "paused- ada@x.com [payment-failed] alert/card:in_2 mailer/card:in_2",
     {{{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
      {{FAILED("in_2", "cus_1", 30 * DAY, S1, ADA, UNTIL(60))}},
      {{SUB("sub_1", "cus_1", "past_due", 30 * DAY, UNTIL(60))}},
      {{SUB("sub_1", "cus_1", "active", 0, UNTIL(30))}}}},
    {"the renewal fails, then it is paid",
     "active+ ada@x.com [member] mailer/back:in_2",
     {{{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
      {{FAILED("in_2", "cus_1", 30 * DAY, S1, ADA, UNTIL(60))}},
      {{PAID("in_2", "cus_1", 31 * DAY, S1, ADA, UNTIL(60))}},
      {{SUB("sub_1", "cus_1", "past_due", 30 * DAY, UNTIL(60))}},
      {{SUB("sub_1", "cus_1", "active", 31 * DAY, UNTIL(60))}}}},
    {"over, and back with another subscription",
     "active+ ada@x.com [member] mailer/back:in_2",
     {{{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
      {{SUB("sub_1", "cus_1", "canceled", 30 * DAY, .ended_ms = START + 30 * DAY)}},
      {{PAID("in_2", "cus_1", 40 * DAY, S2, ADA, UNTIL(70))}},
      {{SUB("sub_2", "cus_1", "active", 40 * DAY)}}}},
    {"and its renewal is no return",
     "active+ ada@x.com [member]",
     {{{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
      {{SUB("sub_1", "cus_1", "canceled", 30 * DAY, .ended_ms = START + 30 * DAY)}},
      {{PAID("in_2", "cus_1", 40 * DAY, S2, ADA, UNTIL(70))}},
      {{PAID("in_3", "cus_1", 70 * DAY, S2, ADA, UNTIL(100))}},
      {{SUB("sub_2", "cus_1", "active", 70 * DAY)}}}},
    {"the first attempt failed, a second one was paid",
     "active+ ada@x.com [member] mailer/welcome",
     {{{FAILED("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
      {{SUB("sub_1", "cus_1", "incomplete", 0)}},
      {{PAID("in_2", "cus_1", 60000, S2, ADA, UNTIL(30))}},
      {{SUB("sub_2", "cus_1", "active", 60000)}}}},
    {"a slow payment failed, the next purchase was refunded",
     "revoked- ada@x.com [refunded] support/refund:ch_2",
     {{{FAILED("pi_1", "cus_1", 0, ADA)}},
      {{PAID("pi_2", "cus_1", 60000, ADA)}},
      {{LINK("ch_2", "pi_2")}},
      {{REFUND("ch_2", 2900, 90000)}}}},
    {"a purchase beside a membership fails, the renewal changes nothing",
     "active+ ada@x.com [member payment-failed] alert/card:pi_1 mailer/card:pi_1 mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
      {{FAILED("pi_1", "cus_1", 1 * DAY, ADA)}},
      {{PAID("in_2", "cus_1", 30 * DAY, S1, ADA, UNTIL(60))}},
      {{SUB("sub_1", "cus_1", "active", 30 * DAY)}}}},
    {"two subscriptions, one ended",
     "active+ ada@x.com [member] mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
      {{PAID("in_2", "cus_1", 1 * DAY, S2, ADA, UNTIL(31))}},
      {{SUB("sub_1", "cus_1", "canceled", 10 * DAY, .ended_ms = START + 10 * DAY)}},
      {{SUB("sub_2", "cus_1", "active", 1 * DAY)}}}},
    {"a dispute is won",
     "active+ ada@x.com [member] support/dispute:dp_1:closed mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{DISPUTE("dp_1", "ch_1", "open", 9000)}},
      {{DISPUTE("dp_1", "ch_1", "won", 9900)}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"an inquiry is nothing",
     "active+ ada@x.com [member] mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA), LINK("ch_1", "in_1")}},
      {{DISPUTE("dp_1", "ch_1", "inquiry", 9000)}},
      {{SUB("sub_1", "cus_1", "active", 0)}}}},
    {"a one-off purchase by a guest, refunded by the customer's only item",
     "revoked- ada@x.com [refunded] support/refund:ch_1",
     {{{PAID("pi_1", "", 0, ADA)}}, {{LINK("ch_1", "pi_1")}}, {{REFUND("ch_1", 2900, 900)}}}},
    {"a refund of something else that the customer bought",
     "active+ ada@x.com [member] mailer/welcome (1 orphans)",
     {{{PAID("in_1", "cus_1", 0, S1, ADA)}},
      {{SUB("sub_1", "cus_1", "active", 0)}},
      {{{.kind = FACT_REFUND,
         .key = "ch_9",
         .amount = 500,
         .of = 500,
         .currency = "usd",
         .customer = "cus_1",
         .at_ms = START + 900}}},
      {{LINK("ch_9", "pi_9"), LINK("ch_9", "cus_1")}}}},
    {"a refund whose customer has one item",
     "revoked- ada@x.com [refunded] support/refund:ch_9",
     {{{PAID("pi_1", "cus_1", 0, ADA)}}, {{REFUND("ch_9", 2900, 900, .customer = "cus_1")}}}},
    {"a refund whose customer has two items waits",
     "active+ ada@x.com [member] mailer/welcome (1 orphans)",
     {{{PAID("pi_1", "cus_1", 0, ADA)}},
      {{PAID("pi_2", "cus_1", 5000, ADA)}},
      {{REFUND("ch_9", 2900, 9000, .customer = "cus_1")}}}},
    {"a trial that will end",
     "trialing+ ada@x.com [trial ending] mailer/welcome",
     {{{CUSTOMER("cus_1", 0, "ada@x.com")}},
      {{SUB("sub_1", "cus_1", "trialing", 0, .trial_until_ms = START + DAY)}},
      {{SUB("sub_1", "cus_1", "trialing", 5, .ends_ms = START + DAY)}}}},
    {"a subscription that will end",
     "ending+ ada@x.com [member ending] mailer/welcome",
     {{{PAID("in_1", "cus_1", 0, S1, ADA)}},
      {{SUB("sub_1", "cus_1", "active", 0)}},
      {{SUB("sub_1", "cus_1", "active", 9, .ends_ms = START + 30 * DAY)}}}},
    {"a product that is not ours",
     NULL,
     {{{PAID("in_1", "cus_1", 0, S1, ADA, .foreign = true)}},
      {{REFUND("ch_1", 2900, 9, .foreign = true)}},
      {{LINK("ch_1", "in_1", .foreign = true)}}}},
    {"a ticket",
     "active+ ada@x.com [member needs-support] support/ticket:stripe:t1 mailer/welcome",
     {{{PAID("pi_1", "cus_1", 0, ADA)}},
      {{{.kind = FACT_TICKET,
         .key = "t1",
         .status = "open",
         .email = "ADA@x.com",
         .at_ms = START}}},
      {{{.kind = FACT_TICKET,
         .key = "t2",
         .status = "open",
         .email = "ADA@x.com",
         .at_ms = START}}},
      {{{.kind = FACT_TICKET,
         .key = "t2",
         .status = "closed",
         .email = "ADA@x.com",
         .at_ms = START}}}}},
    {"a ticket whose person is found out later, one that is closed by a nameless event, and mail "
     "that came back",
     "active+ ada@x.com [member needs-support] support/ticket:stripe:t1 mailer/welcome",
     {{{PAID("pi_1", "cus_1", 0, ADA)}},
      {{{.kind = FACT_TICKET, .key = "t1", .status = "open", .customer = "7", .at_ms = START}}},
      {{{.kind = FACT_TICKET, .key = "t1", .status = "open", .email = "ada@x.com"}}},
      {{{.kind = FACT_TICKET, .key = "t2", .status = "open", .email = "ada@x.com"}}},
      {{{.kind = FACT_TICKET, .key = "t2", .status = "closed", .at_ms = START + 1}}},
      {{{.kind = FACT_BOUNCE,
         .key = "mail_1",
         .status = "hard",
         .email = "Ada@X.com",
         .at_ms = START}}}}},
};

static FILE *lines;
static char *lines_path;
static struct rules rules;

static char *end_of(const struct story_event *events, const size_t *order, size_t count, bool line)
{
    struct factset set = {0};
    for (size_t i = 0; i < count; i++) {
        story_tell(&set, &events[order[i]]);
        struct view *half = view_new(&set, &rules); /* every half-told story can be looked at */
        view_destroy(&half);
    }
    struct view *view = view_new(&set, &rules);
    char *words = story_words(view);
    if (line) {
        story_line(lines, events, count, view);
    }
    view_destroy(&view);
    factset_fini(&set);
    return words;
}

static bool next_order(size_t *order, size_t count)
{
    size_t i = count - 1;
    while (i > 0 && order[i - 1] > order[i]) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    size_t j = count - 1;
    while (order[j] < order[i - 1]) {
        j--;
    }
    size_t swap = order[j];
    order[j] = order[i - 1];
    order[i - 1] = swap;
    for (size_t a = i, b = count - 1; a < b; a++, b--) {
        swap = order[a];
        order[a] = order[b];
        order[b] = swap;
    }
    return true;
}

static void every_order_ends_the_same(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof stories / sizeof *stories; s++) {
        const struct story *story = &stories[s];
        size_t order[STORY_EVENTS_MAX], count = story_count(story->events);
        for (size_t i = 0; i < count; i++) {
            order[i] = i;
        }
        char *first = end_of(story->events, order, count, true);
        if (story->ends && strcmp(first, story->ends) != 0) {
            fail_msg("%s: ends as %s, not as %s", story->name, first, story->ends);
        }
        while (next_order(order, count)) {
            char *words = end_of(story->events, order, count, false);
            if (strcmp(words, first) != 0) {
                fail_msg("%s: %s in another order, %s first", story->name, words, first);
            }
            free(words);
        }
        free(first);
    }
}

/* --- who is who -------------------------------------------------------------------------------- */

static void assert_ends(const struct story_event *events, const char *expected)
{
    size_t order[STORY_EVENTS_MAX], count = story_count(events);
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    char *words = end_of(events, order, count, true);
    assert_string_equal(words, expected);
    free(words);
}

static size_t members_of(const struct story_event *events, bool *conflict)
{
    struct factset set = {0};
    for (size_t i = 0; i < story_count(events); i++) {
        story_tell(&set, &events[i]);
    }
    struct view *view = view_new(&set, &rules);
    size_t count = view->member_count;
    *conflict = false;
    for (size_t i = 0; i < count; i++) {
        *conflict = *conflict || view->members[i].conflict;
    }
    story_line(lines, events, story_count(events), view);
    view_destroy(&view);
    factset_fini(&set);
    return count;
}

static void a_stranger_who_types_an_address_gains_nothing(void **state)
{
    (void)state;
    const struct story_event events[STORY_EVENTS_MAX] = {
        {{PAID("in_1", "cus_1", 0, S1, ADA, .app_user = "ada")}},
        {{SUB("sub_1", "cus_1", "active", 0)}},
        {{REFUND("ch_7", 2900, 9000)}},
        {{PAID("pi_7", "", 5000, ADA)}}, /* the stranger's, typed into a checkout */
        {{LINK("ch_7", "pi_7")}},
    };
    bool conflict;
    assert_int_equal(members_of(events, &conflict), 2);
    assert_false(conflict);
    struct factset set = {0};
    for (size_t i = 0; i < story_count(events); i++) {
        story_tell(&set, &events[i]);
    }
    struct view *view = view_new(&set, &rules);
    assert_true(view_member_of(view, "stripe", "cus_1")->access);
    assert_false(view_member_of(view, "stripe", "pi_7")->access);
    assert_ptr_equal(view_member_of(view, "stripe", "ch_7"),
                     view_member_of(view, "stripe", "pi_7"));
    view_destroy(&view);
    factset_fini(&set);
}

static void the_apps_own_id_connects(void **state)
{
    (void)state;
    const struct story_event same[STORY_EVENTS_MAX] = {
        {{PAID("pi_1", "cus_1", 0, ADA, .app_user = "u1")}},
        {{PAID("pi_2", "", 5, ADA, .app_user = "u1")}},
    };
    const struct story_event two_addresses[STORY_EVENTS_MAX] = {
        {{PAID("pi_1", "cus_1", 0, ADA, .app_user = "u1")}},
        {{PAID("pi_2", "cus_2", 5, .email = "b@x.com", .app_user = "u1")}},
    };
    const struct story_event two_users[STORY_EVENTS_MAX] = {
        {{PAID("pi_1", "cus_1", 0, ADA, .app_user = "u1")}},
        {{PAID("pi_2", "cus_1", 5, ADA, .app_user = "u2")}},
        {{PAID("pi_3", "cus_3", 6, .email = "c@x.com", .app_user = "u2")}},
    };
    bool conflict;
    assert_int_equal(members_of(same, &conflict), 1);
    assert_false(conflict);
    assert_int_equal(members_of(two_addresses, &conflict), 1);
    assert_true(conflict);
    assert_int_equal(members_of(two_users, &conflict), 2); /* u2 came later: takes nobody over */
    assert_true(conflict);
}

static void a_persons_word_wins(void **state)
{
    (void)state;
    char id[RECORD_ID_BYTES];
    record_id("stripe", "customer", "cus_1", id);
    struct act grant = {.id = "tools:1", .record = id, .who = "ada", .reason = "", .at_ms = START};
    struct act old_grant = {
        .id = "tools:0", .record = id, .who = "ada", .reason = "", .at_ms = START, .until_ms = 1};
    struct act revoke = {.revoke = true,
                         .id = "tools:2",
                         .record = id,
                         .who = "ada",
                         .reason = "",
                         .at_ms = START + 5};
    struct act lift = {.revoke = true,
                       .lift = true,
                       .id = "tools:3",
                       .record = id,
                       .who = "ada",
                       .reason = "",
                       .at_ms = START + 6};
    const struct story_event nobody[STORY_EVENTS_MAX] = {{{CUSTOMER("cus_1", 0, "ada@x.com")}},
                                                         {.act = grant}};
    assert_ends(nobody, "active+ ada@x.com [member]");
    const struct story_event revoked[STORY_EVENTS_MAX] = {
        {{PAID("pi_1", "cus_1", 0, ADA)}}, {.act = grant}, {.act = revoke}};
    assert_ends(revoked, "revoked- ada@x.com []");
    const struct story_event lifted[STORY_EVENTS_MAX] = {
        {{PAID("pi_1", "cus_1", 0, ADA)}}, {.act = lift}, {.act = revoke}};
    assert_ends(lifted, "active+ ada@x.com [member] mailer/welcome");
    struct factset set = {0};
    struct fact customer = whole_fact(&(struct fact)CUSTOMER("cus_1", 0, "ada@x.com"));
    factset_add(&set, "stripe", &customer, START);
    factset_add_act(&set, &old_grant);
    factset_add_due(&set, 1);
    struct view *view = view_new(&set, &rules);
    assert_false(view->members[0].access); /* the grant is over */
    view_destroy(&view);
    factset_fini(&set);
}

/* --- time ---------------------------------------------------------------------------------------- */

static void time_passes_only_by_deadlines(void **state)
{
    (void)state;
    struct rules graceful = rules;
    graceful.grace_ms = 3 * DAY;
    struct factset set = {0};
    const struct story_event events[STORY_EVENTS_MAX] = {
        {{PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30))}},
        {{FAILED("in_2", "cus_1", 30 * DAY, S1, ADA, UNTIL(60))}},
    };
    story_tell(&set, &events[0]);
    struct view *view = view_new(&set, &graceful);
    assert_int_equal(view->deadline_ms, START + 30 * DAY); /* never seen: covered so long */
    view_destroy(&view);
    story_tell(&set, &events[1]);
    factset_add_due(&set, START + 29 * DAY);
    view = view_new(&set, &graceful);
    assert_true(view->members[0].access);
    view_destroy(&view);
    struct fact seen = whole_fact(&(struct fact)SUB("sub_1", "cus_1", "past_due", 30 * DAY));
    factset_add(&set, "stripe", &seen, START);
    view = view_new(&set, &graceful);
    assert_true(view->members[0].access);
    assert_int_equal(view->deadline_ms, START + 33 * DAY);
    view_destroy(&view);
    factset_add_due(&set, START + 33 * DAY);
    view = view_new(&set, &graceful);
    assert_false(view->members[0].access);
    assert_int_equal(view->deadline_ms, 0);
    view_destroy(&view);
    factset_fini(&set);
}

static void what_is_not_ours_has_no_deadline(void **state)
{
    (void)state;
    struct factset set = {0};
    struct fact paid =
        whole_fact(&(struct fact)PAID("in_1", "cus_1", 0, S1, ADA, UNTIL(30), .foreign = true));
    factset_add(&set, "stripe", &paid, START);
    struct view *view = view_new(&set, &rules);
    assert_int_equal(view->member_count, 0);
    assert_int_equal(view->deadline_ms, 0);
    view_destroy(&view);
    factset_fini(&set);
}

/* --- chance -------------------------------------------------------------------------------------- */

static uint64_t chance_state;

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(chance_state >> 33) % below;
}

static const char *pick(const char *const *words)
{
    uint32_t count = 0;
    while (words[count]) {
        count++;
    }
    return words[chance(count)];
}

static struct story_event random_event(void)
{
    static const char *const customers[] = {"cus_1", "cus_2", "", NULL};
    static const char *const payments[] = {"in_1", "in_2", "in_3", "pi_9", NULL};
    static const char *const subs[] = {"sub_1", "sub_2", "", NULL};
    static const char *const charges[] = {"ch_1", "ch_2", NULL};
    static const char *const emails[] = {"a@x.com", "b@x.com", "", NULL};
    static const char *const users[] = {"", "", "", "u1", "u2", NULL};
    static const char *const words[] = {"incomplete", "trialing", "active",   "past_due",
                                        "unpaid",     "paused",   "canceled", NULL};
    static const char *const disputes[] = {"inquiry", "open", "won", "lost", NULL};
    static const char *const states[] = {"pending", "succeeded", "failed", NULL};
    int64_t at_ms = START + chance(40) * DAY;
    struct story_event event = {{{.at_ms = at_ms, .currency = "usd"}}};
    struct fact *fact = &event.facts[0];
    switch (chance(10)) {
    case 0:
    case 1:
    case 2: {
        const char *key = pick(payments);
        bool one_off = strcmp(key, "pi_9") == 0;
        *fact = (struct fact){.kind = FACT_PAYMENT,
                              .key = key,
                              .at_ms = at_ms,
                              .status = chance(3) ? "paid" : "failed",
                              .amount = 2900,
                              .customer = strcmp(key, "in_3") == 0 ? "cus_2"
                                          : one_off                ? ""
                                                                   : "cus_1",
                              .subscription = one_off                    ? ""
                                              : strcmp(key, "in_3") == 0 ? "sub_2"
                                                                         : "sub_1",
                              .email = pick(emails),
                              .app_user = pick(users),
                              .currency = "usd",
                              .until_ms = one_off ? 0 : at_ms + 30 * DAY};
        break;
    }
    case 3:
        *fact = (struct fact){.kind = FACT_REFUND,
                              .key = pick(charges),
                              .at_ms = at_ms,
                              .amount = chance(2) ? 2900 : 1000,
                              .of = 2900,
                              .currency = "usd",
                              .customer = pick(customers)};
        break;
    case 4:
        *fact = (struct fact){.kind = FACT_REFUND_STATE,
                              .key = chance(2) ? "re_1" : "re_2",
                              .at_ms = at_ms,
                              .status = pick(states),
                              .object = chance(3) ? pick(charges) : "",
                              .payment_intent = chance(3) ? "" : pick(payments),
                              .amount = chance(2) ? 2900 : 1000};
        break;
    case 5:
        *fact = (struct fact){.kind = FACT_DISPUTE,
                              .key = "dp_1",
                              .at_ms = at_ms,
                              .status = pick(disputes),
                              .object = pick(charges),
                              .amount = 2900};
        break;
    case 6: {
        const char *key = pick(subs);
        key = *key ? key : "sub_1";
        *fact = (struct fact){.kind = FACT_SUBSCRIPTION,
                              .key = key,
                              .at_ms = at_ms,
                              .status = pick(words),
                              .customer = strcmp(key, "sub_1") == 0 ? "cus_1" : "cus_2",
                              .ends_ms = chance(3) ? 0 : at_ms + DAY};
        break;
    }
    case 7:
        *fact = (struct fact){.kind = FACT_CUSTOMER,
                              .key = chance(2) ? "cus_1" : "cus_2",
                              .at_ms = at_ms,
                              .email = pick(emails),
                              .app_user = pick(users)};
        break;
    case 8:
        *fact = (struct fact){.kind = FACT_TICKET,
                              .key = "t1",
                              .at_ms = at_ms,
                              .status = chance(2) ? "open" : "closed",
                              .email = pick(emails)};
        break;
    default:
        *fact = (struct fact){.kind = FACT_LINK,
                              .key = pick(charges),
                              .at_ms = at_ms,
                              .object = pick(payments),
                              .email = pick(emails)};
        if (chance(3) == 0) {
            fact->object = "cus_1";
        }
    }
    return event;
}

static void random_histories_end_the_same(void **state)
{
    (void)state;
    enum { HISTORIES = 4000, ORDERS = 6 };
    for (int h = 0; h < HISTORIES; h++) {
        chance_state = (uint64_t)h * 2654435761u + 1;
        struct story_event events[STORY_EVENTS_MAX] = {0};
        size_t order[STORY_EVENTS_MAX], count = 3 + chance(14);
        for (size_t i = 0; i < count; i++) {
            events[i] = i && chance(8) == 0 ? events[chance((uint32_t)i)] : random_event();
            order[i] = i;
        }
        char *first = end_of(events, order, count, true);
        for (int o = 0; o < ORDERS; o++) {
            for (size_t i = count - 1; i > 0; i--) {
                size_t j = chance((uint32_t)i + 1), swap = order[i];
                order[i] = order[j];
                order[j] = swap;
            }
            char *words = end_of(events, order, count, false);
            if (strcmp(first, words) != 0) {
                fail_msg("history %d: %s and %s", h, first, words);
            }
            free(words);
        }
        free(first);
    }
}

static void the_oracle_agrees(void **state)
{
    (void)state;
    assert_int_equal(fclose(lines), 0);
    story_ask_oracle(lines_path);
}

int main(void)
{
    char *folder = test_folder();
    lines_path = must_sprintf("%s/lines", folder);
    lines = fopen(lines_path, "w");
    assert_non_null(lines);
    rules_default(&rules);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_ends_the_same),
        cmocka_unit_test(a_stranger_who_types_an_address_gains_nothing),
        cmocka_unit_test(the_apps_own_id_connects),
        cmocka_unit_test(a_persons_word_wins),
        cmocka_unit_test(time_passes_only_by_deadlines),
        cmocka_unit_test(what_is_not_ours_has_no_deadline),
        cmocka_unit_test(random_histories_end_the_same),
        cmocka_unit_test(the_oracle_agrees),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(lines_path);
    test_rm_folder(&folder);
    return failed;
}
