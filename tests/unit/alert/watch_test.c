/* The core of the alerts: what raises, what clears, and that each happens once. */
#include "test.h"

#include "alert.h"

#include "home.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MINUTE = 60 * 1000, START = 1000 * 1000 };

struct world {
    char folder[64];
    struct store *store;
    struct store_txn *txn;
    struct watch watch;
    uint64_t seq;
    int64_t now_ms;
    struct watch_sight sights[4];
    size_t sight_count;
    struct buf told; /* "+rule object" and "-rule object", a line each */
};

static const char *const tables[] = {"meta", "outbox", WATCH_TABLE_NAMES, NULL};

static void world_open(struct world *world)
{
    memset(world, 0, sizeof *world);
    snprintf(world->folder, sizeof world->folder, "/tmp/ushwatchXXXXXX");
    assert_non_null(mkdtemp(world->folder));
    struct store_options options = {.tables = tables, .format = 1, .map_bytes = 256 << 20};
    assert_int_equal(store_open(world->folder, &options, &world->store), OK);
    assert_int_equal(store_begin(world->store, true, &world->txn), OK);
    watch_init(&world->watch, ACTOR_TABLES);
    world->now_ms = START;
}

static void world_close(struct world *world)
{
    store_abort(&world->txn);
    store_close(&world->store);
    char *command = must_sprintf("rm -rf %s", world->folder);
    assert_int_equal(system(command), 0);
    free(command);
    buf_fini(&world->told);
}

static void happens_again(struct world *world, uint64_t seq, const char *type, const char *data)
{
    struct event event = {.seq = seq, .time_ms = world->now_ms};
    EVENT_SET(event.type, type);
    snprintf(event.id, sizeof event.id, "x:%llu", (unsigned long long)seq);
    json_t *tree = json_loads(data, 0, NULL);
    assert_non_null(tree);
    assert_int_equal(watch_event(&world->watch, world->txn, &event, tree), OK);
    json_decref(tree);
}

static void happens(struct world *world, const char *type, const char *data)
{
    happens_again(world, ++world->seq, type, data);
}

static enum fault on_news(void *self, struct store_txn *txn, const struct watch_news *news)
{
    struct world *world = self;
    assert_ptr_equal(txn, world->txn);
    assert_true(strlen(news->text) > 0);
    buf_printf(&world->told, "%c%s %s\n", news->raised ? '+' : '-', alert_row(news->rule)->name,
               news->object);
    return OK;
}

static size_t judge(struct world *world)
{
    size_t counted;
    size_t count;
    assert_int_equal(watch_judge(&world->watch, world->txn, world->now_ms, world->sights,
                                 world->sight_count, NULL, NULL, &counted),
                     OK);
    assert_int_equal(watch_judge(&world->watch, world->txn, world->now_ms, world->sights,
                                 world->sight_count, on_news, world, &count),
                     OK);
    assert_int_equal(count, counted); /* looking does not change anything */
    return count;
}

/* What was told since the last time; twice the same judgement tells nothing more. */
static void expect(struct world *world, const char *told)
{
    buf_reset(&world->told);
    judge(world);
    assert_string_equal(buf_text(&world->told), told);
    assert_int_equal(judge(world), 0);
}

#define MEMBER(id, version)                                                                        \
    "{\"id\":\"" id "\",\"version\":" #version ",\"email\":\"a@example.com\",\"tags\":["           \
    "\"member\"]}"
#define CRM_JOB(id, version) "{\"actor\":\"crm\",\"key\":\"crm:" id "\",\"version\":" #version "}"

static void test_crm_behind(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "member.joined", MEMBER("mem_a", 1));
    happens(&world, "member.joined", "{\"id\":\"mem_guest\",\"version\":1}"); /* no contact */
    world.now_ms += 10 * MINUTE - 1;
    expect(&world, "");
    world.now_ms += 1;
    expect(&world, "+crm_behind crm\n");
    happens(&world, "member.changed", MEMBER("mem_a", 2));
    happens(&world, "job.done", CRM_JOB("mem_a", 1)); /* an older version does not count */
    expect(&world, "");
    happens(&world, "job.done", CRM_JOB("mem_a", 2));
    expect(&world, "-crm_behind crm\n");
    /* the CRM knows the member now: every version counts, tagged or not */
    happens(&world, "member.ended", "{\"id\":\"mem_a\",\"version\":3}");
    world.now_ms += 10 * MINUTE;
    expect(&world, "+crm_behind crm\n");
    happens(&world, "job.skipped", CRM_JOB("mem_a", 3));
    expect(&world, "-crm_behind crm\n");
    world_close(&world);
}

static void test_merged(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "member.joined", MEMBER("mem_b", 1));
    happens(&world, "member.changed",
            "{\"id\":\"mem_a\",\"version\":2,\"email\":\"a@example.com\",\"tags\":[\"member\"],"
            "\"merged\":[\"mem_b\"]}");
    happens(&world, "job.done", CRM_JOB("mem_a", 2));
    world.now_ms += 60 * MINUTE;
    expect(&world, "");
    world_close(&world);
}

static void test_dead_letter(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "member.joined", MEMBER("mem_a", 1));
    happens(&world, "job.dead",
            "{\"actor\":\"crm\",\"key\":\"crm:mem_a\",\"error\":\"the target says no (400)\"}");
    expect(&world, "+dead_letter crm: the target says no (400)\n");
    /* the same cause again is the same alert, and the member is not reported a second time */
    happens(&world, "job.dead",
            "{\"actor\":\"crm\",\"key\":\"crm:mem_b\",\"error\":\"the target says no (400)\"}");
    happens(&world, "job.dead",
            "{\"actor\":\"mailer\",\"key\":\"welcome:mem_a\",\"error\":\"no such mailbox\"}");
    world.now_ms += 20 * MINUTE;
    expect(&world, "+dead_letter mailer: no such mailbox\n");
    happens(&world, "job.done", CRM_JOB("mem_a", 1));
    expect(&world, "");
    happens(&world, "admin.skipped", "{\"actor\":\"crm\",\"key\":\"crm:mem_b\"}");
    expect(&world, "-dead_letter crm: the target says no (400)\n");
    happens(&world, "job.retrying", "{\"actor\":\"mailer\",\"key\":\"welcome:mem_a\"}");
    expect(&world, "-dead_letter mailer: no such mailbox\n");
    world_close(&world);
}

/* A hook that refuses each alert must not make an alert of each. */
static void test_dead_hooks(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "job.dead",
            "{\"actor\":\"alert\",\"key\":\"a@slack-1\",\"error\":\"no (404)\"}");
    expect(&world, "+dead_letter alert: hooks\n");
    happens(&world, "job.dead",
            "{\"actor\":\"alert\",\"key\":\"b@slack-1\",\"error\":\"no (410)\"}");
    expect(&world, "");
    world_close(&world);
}

static void test_key_refused(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "target.refused",
            "{\"actor\":\"crm\",\"target\":\"hubspot\",\"error\":\"401\"}");
    happens(&world, "target.refused",
            "{\"actor\":\"crm\",\"target\":\"hubspot\",\"error\":\"401\"}");
    expect(&world, "+key_refused crm/hubspot\n");
    happens(&world, "target.accepted", "{\"actor\":\"crm\",\"target\":\"hubspot\"}");
    expect(&world, "-key_refused crm/hubspot\n");
    /* refused and accepted before anybody looked: nothing to tell */
    happens(&world, "target.refused", "{\"actor\":\"crm\",\"target\":\"hubspot\"}");
    happens(&world, "target.accepted", "{\"actor\":\"crm\",\"target\":\"hubspot\"}");
    expect(&world, "");
    world_close(&world);
}

static void test_webhook_failures(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "webhook.refused",
            "{\"total\":500,\"signatures\":0,\"own\":0}"); /* a scanner */
    happens(&world, "webhook.refused", "{\"signatures\":2,\"own\":1}");
    happens_again(&world, world.seq, "webhook.refused", "{\"signatures\":2,\"own\":1}");
    expect(&world, ""); /* three are not more than three; the same event counts once */
    world.now_ms += MINUTE;
    happens(&world, "webhook.refused", "{\"signatures\":1}");
    expect(&world, "+webhook_failures webhook\n");
    world.now_ms += 9 * MINUTE + 30000;
    expect(&world, ""); /* fewer now, but not over */
    world.now_ms += 30000;
    expect(&world, "-webhook_failures webhook\n");
    world_close(&world);
}

static void test_sync_latency(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    for (int i = 0; i < 5; i++) {
        happens(&world, "member.joined", MEMBER("mem_a", 1));
        world.now_ms += 6 * MINUTE;
        expect(&world, "");
        happens(&world, "job.done", CRM_JOB("mem_a", 1));
    }
    expect(&world, "+sync_latency crm\n");
    world.now_ms += 61 * MINUTE;
    expect(&world, "-sync_latency crm\n");
    world_close(&world);
}

static void test_orphan_and_identity(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "member.due", "{\"member\":\"mem_a\",\"at\":5}");
    expect(&world, "");
    happens(&world, "member.due", "{\"member\":\"mem_a\",\"orphan\":\"ch_1\",\"at\":5}");
    happens(&world, "member.due", "{\"orphan\":\"dp_1\",\"at\":5}");
    happens(&world, "member.due", "{\"orphan\":\"ch_9\",\"at\":5}");
    expect(&world, "+orphan ch_1\n+orphan ch_9\n+orphan dp_1\n");
    happens(&world, "payment.linked",
            "{\"facts\":[{\"kind\":\"link\",\"key\":\"ch_1\",\"object\":\"pi_1\"}]}");
    happens(&world, "member.revoked",
            "{\"id\":\"mem_a\",\"version\":2,\"identity_conflict\":true,"
            "\"effects\":[{\"key\":\"refund:ch_9:500\"},{\"key\":\"dispute:dp_1\"}]}");
    buf_reset(&world.told);
    assert_int_equal(judge(&world), 4);
    assert_non_null(strstr(buf_text(&world.told), "-orphan ch_1\n"));
    assert_non_null(strstr(buf_text(&world.told), "-orphan ch_9\n"));
    assert_non_null(strstr(buf_text(&world.told), "-orphan dp_1\n"));
    assert_non_null(strstr(buf_text(&world.told), "+identity_conflict mem_a\n"));
    happens(&world, "member.changed", "{\"id\":\"mem_a\",\"version\":3}");
    expect(&world, "-identity_conflict mem_a\n");
    world_close(&world);
}

/* The desk's name is what the event's id begins with: "x". */
#define TICKET(number, status)                                                                     \
    "{\"facts\":[{\"kind\":\"ticket\",\"key\":\"" number "\",\"status\":\"" status "\"}]}"
#define WANTS_NOTE(number)                                                                         \
    "{\"id\":\"mem_a\",\"version\":1,\"effects\":[{\"to\":\"support\",\"key\":\"ticket:x:" number  \
    "\"}]}"

static void test_ticket_without_context(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "ticket.opened", TICKET("7", "open"));
    world.now_ms += 60 * MINUTE;
    expect(&world, ""); /* a stranger's, as far as anybody knows */
    happens(&world, "member.changed", WANTS_NOTE("7"));
    world.now_ms += 10 * MINUTE - 1;
    expect(&world, "");
    world.now_ms += 1;
    expect(&world, "+ticket_without_context support\n");
    happens(&world, "job.retrying", "{\"actor\":\"support\",\"key\":\"ticket:x:7\"}");
    happens(&world, "job.done", "{\"actor\":\"mailer\",\"key\":\"ticket:x:7\"}");
    expect(&world, "");
    happens(&world, "job.done", "{\"actor\":\"support\",\"key\":\"ticket:x:7\"}");
    expect(&world, "-ticket_without_context support\n");
    happens(&world, "member.changed", WANTS_NOTE("7"));
    happens(&world, "ticket.opened", TICKET("8", "open"));
    happens(&world, "member.changed", WANTS_NOTE("8"));
    happens(&world, "ticket.closed", TICKET("8", "closed"));
    world.now_ms += 11 * MINUTE;
    expect(&world, ""); /* it has its note; closed before anybody had to know */
    world_close(&world);
}

static void test_a_desk_that_does_not_say_whose_ticket_it_is(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "ticket.opened", TICKET("7", "open"));
    happens(&world, "job.retrying", "{\"actor\":\"support\",\"key\":\"requester:x:7\"}");
    world.now_ms += 10 * MINUTE;
    expect(&world, "+ticket_without_context support\n");
    happens(&world, "job.done", "{\"actor\":\"support\",\"key\":\"requester:x:7\"}");
    expect(&world, "-ticket_without_context support\n");
    world.now_ms += 60 * MINUTE;
    expect(&world, "");
    world_close(&world);
}

static void mails(struct world *world, int sent, int bounced)
{
    for (int i = 0; i < sent; i++) {
        happens(world, "job.done", "{\"actor\":\"mailer\",\"key\":\"welcome:mem_a\"}");
    }
    for (int i = 0; i < bounced; i++) {
        happens(world, "mail.bounced", "{\"facts\":[{\"kind\":\"bounce\",\"status\":\"hard\"}]}");
    }
}

static void test_bounce_rate(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    mails(&world, 49, 9);
    expect(&world, ""); /* too few to tell */
    world.now_ms += 25 * 60 * MINUTE;
    mails(&world, 100, 2);
    happens(&world, "mail.bounced", "{\"facts\":[{\"kind\":\"bounce\",\"status\":\"soft\"}]}");
    expect(&world, "");
    mails(&world, 0, 1);
    expect(&world, "+bounce_rate mail\n");
    mails(&world, 50, 0);
    expect(&world, "-bounce_rate mail\n");
    world_close(&world);
}

static void test_quiet(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "member.changed", "{}"); /* from here on it counts */
    world.now_ms += 1000 * MINUTE;
    expect(&world, ""); /* off unless set */
    world.watch.quiet_ms_max = 60 * MINUTE;
    expect(&world, "+no_webhooks webhook\n");
    happens(&world, "member.changed", "{}"); /* what we say ourselves is not the provider */
    expect(&world, "");
    assert_false(watch_reads("provider.ignored"));
    happens(&world, "provider.ignored", "{}");
    expect(&world, "-no_webhooks webhook\n");
    world.now_ms += 60 * MINUTE;
    expect(&world, "");
    world.now_ms += 1;
    expect(&world, "+no_webhooks webhook\n");
    world_close(&world);
}

static void test_sights(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    world.sight_count = 1;
    world.sights[0] = (struct watch_sight){ALERT_ACTOR_MISSING, "crm", true, 29999, "gone"};
    expect(&world, "");
    world.sights[0].for_ms = 30000;
    expect(&world, "+actor_missing crm\n");
    world.sights[0].known = false; /* the broker is silent: what was told stands */
    world.sights[0].for_ms = -1;
    expect(&world, "");
    world.sights[0].known = true;
    expect(&world, "-actor_missing crm\n");
    world.sights[0] = (struct watch_sight){ALERT_DISK, "home", true, 0, "91 % are used"};
    expect(&world, "+disk home\n");
    world_close(&world);
}

/* What alert.raised carries is enough to know, in a new store, what was told. */
static void test_rebuilt(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    happens(&world, "target.refused", "{\"actor\":\"crm\",\"target\":\"hubspot\"}");
    happens(&world, "alert.raised",
            "{\"rule\":\"key_refused\",\"object\":\"crm/hubspot\",\"n\":3,\"text\":\"t\"}");
    expect(&world, "");
    happens(&world, "target.accepted", "{\"actor\":\"crm\",\"target\":\"hubspot\"}");
    expect(&world, "-key_refused crm/hubspot\n");
    /* read back after a later one: an old word changes nothing */
    happens(&world, "alert.raised",
            "{\"rule\":\"key_refused\",\"object\":\"crm/hubspot\",\"n\":3,\"text\":\"t\"}");
    expect(&world, "");
    happens(&world, "alert.cleared",
            "{\"rule\":\"key_refused\",\"object\":\"crm/hubspot\",\"n\":2,\"text\":\"t\"}");
    expect(&world, "");
    happens(&world, "target.refused", "{\"actor\":\"crm\",\"target\":\"hubspot\"}");
    expect(&world, "+key_refused crm/hubspot\n");
    happens(&world, "alert.cleared",
            "{\"rule\":\"key_refused\",\"object\":\"crm/hubspot\",\"n\":3,\"text\":\"t\"}");
    expect(&world, ""); /* it was raised a fourth time since */
    happens(&world, "target.accepted", "{\"actor\":\"crm\",\"target\":\"hubspot\"}");
    expect(&world, "-key_refused crm/hubspot\n");
    json_t *list = json_array();
    assert_int_equal(watch_list(&world.watch, world.txn, list), OK);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    world_close(&world);
}

/* --- any sequence ------------------------------------------------------------------------------ */

enum { STEPS = 20000, MODELS = 64 };

struct model {
    char alert[WATCH_OBJECT_BYTES_MAX + 64];
    bool raised;
};

/* Raised and cleared alternate, for each alert, whatever happens. */
static void check_alternation(struct model *models, char *lines)
{
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
        size_t i = 0;
        while (i < MODELS && models[i].alert[0] && strcmp(models[i].alert, line + 1) != 0) {
            i++;
        }
        assert_true(i < MODELS);
        snprintf(models[i].alert, sizeof models[i].alert, "%s", line + 1);
        assert_true(models[i].raised == (line[0] == '-'));
        models[i].raised = line[0] == '+';
    }
}

static void random_event(struct world *world, unsigned *seed)
{
    static const char *const types[] = {
        "member.joined",  "member.changed", "job.done",        "job.dead",        "job.retrying",
        "job.skipped",    "target.refused", "target.accepted", "webhook.refused", "member.due",
        "payment.linked", "admin.retried",  "ticket.opened",   "mail.bounced",    "payment.failed"};
    const char *type = types[(unsigned)rand_r(seed) % (sizeof types / sizeof types[0])];
    int who = rand_r(seed) % 3;
    char *data = must_sprintf(
        "{\"id\":\"mem_%d\",\"version\":%d,\"email\":\"a@example.com\",\"tags\":[\"member\"],"
        "\"identity_conflict\":%s,\"actor\":\"%s\",\"key\":\"crm:mem_%d\",\"error\":\"e%d\","
        "\"target\":\"t%d\",\"own\":%d,\"orphan\":\"ch_%d\",\"linked\":%s,"
        "\"facts\":[{\"kind\":\"link\",\"key\":\"ch_%d\"},"
        "{\"kind\":\"ticket\",\"key\":\"t%d\",\"status\":\"%s\"}%s],"
        "\"effects\":[{\"key\":\"ticket:x:t%d\"}]}",
        who, rand_r(seed) % 9, rand_r(seed) % 4 == 0 ? "true" : "false",
        rand_r(seed) % 3 ? "crm" : "mailer", who, rand_r(seed) % 2, who, rand_r(seed) % 3, who,
        rand_r(seed) % 2 ? "true" : "false", who, rand_r(seed) % 9,
        rand_r(seed) % 3 ? "open" : "closed",
        rand_r(seed) % 20 == 0 ? ",{\"kind\":\"bounce\",\"status\":\"hard\"}" : "",
        rand_r(seed) % 9);
    happens(world, type, data);
    if (rand_r(seed) % 4 == 0) { /* an aborted batch comes again */
        happens_again(world, world->seq, type, data);
    }
    free(data);
}

static void test_any_sequence(void **state)
{
    (void)state;
    struct world world;
    struct model models[MODELS] = {0};
    unsigned seed = 20261123;
    size_t told = 0;
    world_open(&world);
    world.watch.quiet_ms_max = 5 * MINUTE;
    for (int step = 0; step < STEPS; step++) {
        world.now_ms += rand_r(&seed) % MINUTE;
        random_event(&world, &seed);
        world.sight_count = 1;
        world.sights[0] = (struct watch_sight){ALERT_ACTOR_MISSING, "crm", rand_r(&seed) % 5 != 0,
                                               rand_r(&seed) % 90000 - 30000, "gone"};
        if (world.sights[0].for_ms < 0) {
            world.sights[0].for_ms = -1;
        }
        if (rand_r(&seed) % 3 == 0) {
            buf_reset(&world.told);
            told += judge(&world);
            (void)buf_text(&world.told);
            check_alternation(models, (char *)world.told.bytes);
            assert_int_equal(judge(&world), 0);
        }
    }
    assert_true(told > STEPS / 20); /* the sequence did reach the rules */
    for (enum alert_rule rule = 0; rule < ALERT_RULES; rule++) {
        bool reached = rule == ALERT_DISK || rule == ALERT_ACTOR_LAGGING;
        for (size_t i = 0; i < MODELS; i++) {
            const char *name = alert_row(rule)->name;
            reached = reached || strncmp(models[i].alert, name, strlen(name)) == 0;
        }
        if (!reached) {
            print_message("never raised: %s\n", alert_row(rule)->name);
        }
        assert_true(reached);
    }
    world_close(&world);
}

/* --- the runbook ------------------------------------------------------------------------------- */

static void test_runbook(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    assert_int_equal(home_read_file(USHER_SOURCE "/ops/RUNBOOK.md", 1 << 20, &text, &len), OK);
    const char *at = text;
    for (enum alert_rule rule = 0; rule < ALERT_RULES; rule++) {
        char *heading = must_sprintf("\n## %s\n", alert_row(rule)->name);
        at = strstr(at, heading); /* in the order of the table */
        if (!at) {
            print_message("ops/RUNBOOK.md has no section \"%s\" in its place\n",
                          alert_row(rule)->name);
        }
        assert_non_null(at);
        free(heading);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crm_behind),
        cmocka_unit_test(test_merged),
        cmocka_unit_test(test_dead_letter),
        cmocka_unit_test(test_dead_hooks),
        cmocka_unit_test(test_key_refused),
        cmocka_unit_test(test_webhook_failures),
        cmocka_unit_test(test_sync_latency),
        cmocka_unit_test(test_orphan_and_identity),
        cmocka_unit_test(test_ticket_without_context),
        cmocka_unit_test(test_a_desk_that_does_not_say_whose_ticket_it_is),
        cmocka_unit_test(test_bounce_rate),
        cmocka_unit_test(test_quiet),
        cmocka_unit_test(test_sights),
        cmocka_unit_test(test_rebuilt),
        cmocka_unit_test(test_any_sequence),
        cmocka_unit_test(test_runbook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
