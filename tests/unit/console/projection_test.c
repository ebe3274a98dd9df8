/* projection_test.c - what the console makes of the journal: who is found and listed, what happened
 * to one, what is counted; and the same again when it is made again. */
#include "projection_fixture.h"

#include "trace_view.h"

/* --- found by ---------------------------------------------------------------------------------- */

static void tell_three(struct world *world)
{
    json_t *ada = document_of("mem_ada", "Ada.Lovelace@Example.com", "Ada Lovelace");
    set_list(ada, "customers", "cus_AAA", "cus_aab");
    tree_set_text(ada, "app_user", "user_17");
    tell_member(world, "member.joined", NULL, ada);
    tell_member(world, "member.joined", NULL,
                document_of("mem_adam", "adam@example.com", "Adam \xc3\x84rger O'Neil"));
    json_t *bob = document_of("mem_bob", "bob@other.example", "Bob Lovelace");
    tree_set_flag(bob, "access", false);
    tree_set_text(bob, "state", "paused");
    tell_member(world, "member.changed", NULL, bob);
}

static void check_search(void **state)
{
    (void)state;
    static const struct {
        const char *text, *found; /* in any order: sorted by the first word */
    } rows[] = {
        {"ada", "mem_ada mem_adam"},
        {"ADA LOVE", "mem_ada"},
        {"love ada", "mem_ada"},
        {"lovelace", "mem_ada mem_bob"},
        {"lovelace bob", "mem_bob"},
        {"ada bob", ""},
        {"ada.lovelace@example.com", "mem_ada"},
        {"ada.lovelace@EXAMPLE", "mem_ada"},
        {"example.com", "mem_ada mem_adam"},
        {"cus_a", "mem_ada"},
        {"cus_AAB", "mem_ada"},
        {"user_17", "mem_ada"},
        {"mem_", "mem_ada mem_adam mem_bob"},
        {"\xc3\x84rg", "mem_adam"},
        {"o'neil", "mem_adam"},
        {"nobody", ""},
        {"a a a a a a a a a a a a a a a a", "mem_ada mem_adam"},
    };
    struct world *world = world_new(10);
    tell_three(world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *page = members_page(world, (struct members_query){.text = rows[i].text});
        const char *found = said(tree_get(page, "members"), "id");
        if (strcmp(found, rows[i].found) != 0) {
            fail_msg("\"%s\" finds \"%s\", not \"%s\"", rows[i].text, found, rows[i].found);
        }
        assert_true(json_is_null(tree_get(page, "total")));
        json_decref(page);
    }
    world_destroy(&world);
}

static void check_filters(void **state)
{
    (void)state;
    static const struct {
        const char *text, *state, *access, *found;
        int total; /* -1: not said */
    } rows[] = {
        {"", "", "", "mem_bob mem_adam mem_ada", 3},
        {"", "active", "", "mem_adam mem_ada", 2},
        {"", "paused", "", "mem_bob", 1},
        {"", "", "true", "mem_adam mem_ada", 2},
        {"", "", "false", "mem_bob", 1},
        {"", "paused", "true", "", -1},
        {"", "no such state", "", "", 0},
        {"lovelace", "paused", "", "mem_bob", -1},
        {"lovelace", "", "true", "mem_ada", -1},
    };
    struct world *world = world_new(10);
    tell_three(world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *page = members_page(world, (struct members_query){.text = rows[i].text,
                                                                  .state = rows[i].state,
                                                                  .access = rows[i].access});
        assert_string_equal(said(tree_get(page, "members"), "id"), rows[i].found);
        if (rows[i].total >= 0) {
            assert_int_equal(tree_int(page, "total"), rows[i].total);
        }
        json_decref(page);
    }
    world_destroy(&world);
}

static void expect_member(struct world *world, const char *who, const char *id)
{
    json_t *document = NULL;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_member(txn, who, &document), id ? OK : FAULT_NOT_FOUND);
    store_abort(&txn);
    assert_string_equal(tree_text(document, "id"), id ? id : "");
    json_decref(document);
}

static void check_by_name(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    tell_three(world);
    expect_member(world, "mem_ada", "mem_ada");
    expect_member(world, "ada.lovelace@example.COM", "mem_ada");
    expect_member(world, "cus_AAA", "mem_ada");
    expect_member(world, "user_17", "mem_ada");
    expect_member(world, "cus_AA", NULL); /* the beginning of a name is no name */
    expect_member(world, "lovelace", NULL);
    expect_member(world, "", NULL);

    /* an address that moved on leads to who has it now */
    tell_member(world, "member.changed", NULL,
                document_of("mem_ada", "countess@example.com", "Ada Lovelace"));
    expect_member(world, "ada.lovelace@example.com", NULL);
    expect_member(world, "cus_AAA", NULL);
    expect_member(world, "countess@example.com", "mem_ada");
    json_t *page = members_page(world, (struct members_query){.text = "ada.lovelace"});
    assert_string_equal(said(tree_get(page, "members"), "id"), "");
    json_decref(page);
    world_destroy(&world);
}

static void tell_same(struct world *world, const char *id, bool access, int64_t paid)
{
    json_t *document = document_of(id, "same@example.com", "Same");
    tree_set_flag(document, "access", access);
    tree_set_int(document, "last_payment_at", paid);
    tell_member(world, "member.changed", NULL, document);
}

static void check_one_address_of_several(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    tell_same(world, "mem_1", false, first_ms + 9);
    tell_same(world, "mem_2", true, first_ms + 1);
    tell_same(world, "mem_3", true, first_ms + 2);
    tell_same(world, "mem_4", false, 0);
    expect_member(world, "same@example.com", "mem_3"); /* access, then the newest payment */
    world_destroy(&world);
}

/* --- merged ------------------------------------------------------------------------------------ */

static json_t *timeline(struct world *world, const char *member, const char *lane,
                        const char *after, size_t limit)
{
    json_t *answer;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_timeline(txn, member, lane, after, limit, &answer), OK);
    store_abort(&txn);
    return answer;
}

static void check_merged(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    json_t *b = document_of("mem_b", "b@example.com", "Bee");
    set_list(b, "customers", "cus_b", NULL);
    tell_member(world, "member.joined", NULL, document_of("mem_a", "a@example.com", "Ay"));
    tell_member(world, "member.joined", NULL, b);
    tell_job(world, "crm", "crm:mem_b", "done", "mem_b", 1);

    json_t *one = document_of("mem_a", "a@example.com", "Ay");
    set_list(one, "aliases", "mem_a", "mem_b");
    set_list(one, "merged", "mem_b", NULL);
    set_list(one, "customers", "cus_b", NULL);
    tell_member(world, "member.changed", NULL, one);

    json_t *page = members_page(world, (struct members_query){.text = ""});
    assert_string_equal(said(tree_get(page, "members"), "id"), "mem_a");
    assert_int_equal(tree_int(page, "total"), 1);
    json_decref(page);
    page = members_page(world, (struct members_query){.text = "bee"});
    assert_string_equal(said(tree_get(page, "members"), "id"), "");
    json_decref(page);
    page = members_page(world, (struct members_query){.text = "mem_b"});
    assert_string_equal(said(tree_get(page, "members"), "id"), "mem_a");
    json_decref(page);
    expect_member(world, "mem_b", "mem_a");
    expect_member(world, "cus_b", "mem_a");
    expect_member(world, "b@example.com", NULL);

    json_t *answer = timeline(world, "mem_b", "", "", 50);
    assert_string_equal(said(tree_get(answer, "timeline"), "type"),
                        "member.changed job.done member.joined member.joined");
    assert_string_equal(said(tree_get(answer, "timeline"), "member"), "mem_a mem_a mem_a mem_a");
    json_decref(answer);
    struct store_txn *txn = look(world);
    assert_int_equal(projection_lanes(txn, "mem_a", &answer), OK);
    assert_string_equal(tree_text(tree_get(answer, "crm"), "key"), "crm:mem_b");
    assert_string_equal(tree_text(tree_get(answer, "crm"), "state"), "synced");
    store_abort(&txn);
    json_decref(answer);

    /* and apart again */
    tell_member(world, "member.changed", NULL, document_of("mem_b", "b@example.com", "Bee"));
    tell_member(world, "member.changed", NULL, document_of("mem_a", "a@example.com", "Ay"));
    expect_member(world, "mem_b", "mem_b");
    expect_member(world, "b@example.com", "mem_b");
    expect_member(world, "cus_b", NULL);
    page = members_page(world, (struct members_query){.text = ""});
    assert_string_equal(said(tree_get(page, "members"), "id"), "mem_a mem_b");
    assert_int_equal(tree_int(page, "total"), 2);
    json_decref(page);
    world_destroy(&world);
}

/* --- pages ------------------------------------------------------------------------------------- */

enum { CROWD = 230 };

static void tell_crowd(struct world *world)
{
    for (int i = 0; i < CROWD; i++) {
        char id[32], email[64];
        snprintf(id, sizeof id, "mem_%03d", i);
        snprintf(email, sizeof email, "p%d@example.com", i);
        json_t *document = document_of(id, email, "Somebody");
        tree_set_flag(document, "access", i % 2);
        tell_member(world, "member.joined", NULL, document);
    }
}

/* Every page of a query; how often each of the crowd came. */
static void page_through(struct world *world, struct members_query query, size_t limit,
                         int seen[CROWD])
{
    char after[2048] = "";
    memset(seen, 0, CROWD * sizeof *seen);
    for (int pages = 0;; pages++) {
        json_t *entry;
        size_t i;
        query.after = after;
        query.limit = limit;
        json_t *page = members_page(world, query);
        assert_true(json_array_size(tree_get(page, "members")) <= limit);
        json_array_foreach(tree_get(page, "members"), i, entry)
        {
            seen[atoi(tree_text(entry, "id") + 4)]++;
        }
        snprintf(after, sizeof after, "%s", tree_text(page, "next"));
        bool more = json_is_string(tree_get(page, "next"));
        json_decref(page);
        if (!more) {
            return;
        }
        assert_true(pages < CROWD);
    }
}

static void check_pages(void **state)
{
    (void)state;
    static const size_t limits[] = {1, 7, 50, CROWD, 500};
    struct world *world = world_new(64);
    int seen[CROWD];
    tell_crowd(world);
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        static const struct members_query queries[] = {{.text = ""},
                                                       {.text = "some example"},
                                                       {.access = "true"},
                                                       {.text = "p", .access = "true"}};
        for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
            page_through(world, queries[q], limits[l], seen);
            for (int i = 0; i < CROWD; i++) {
                assert_int_equal(seen[i], !queries[q].access || i % 2 ? 1 : 0);
            }
        }
    }
    world_destroy(&world);
}

/* Who changes while somebody turns pages moves to the front, and nobody else is missed or doubled. */
static void check_page_while_things_change(void **state)
{
    (void)state;
    struct world *world = world_new(64);
    tell_crowd(world);
    json_t *first = members_page(world, (struct members_query){.limit = 100});
    assert_string_equal(tree_text(json_array_get(tree_get(first, "members"), 0), "id"), "mem_229");
    tell_member(world, "member.changed", NULL, document_of("mem_010", "p10@example.com", "New"));
    json_t *second = members_page(
        world, (struct members_query){.limit = 200, .after = tree_text(first, "next")});
    assert_int_equal(json_array_size(tree_get(second, "members")), CROWD - 100 - 1);
    assert_string_equal(tree_text(json_array_get(tree_get(second, "members"), 0), "id"), "mem_129");
    assert_true(json_is_null(tree_get(second, "next")));
    json_decref(first);
    json_decref(second);
    world_destroy(&world);
}

static void check_odd_cursors(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "x",   "-1", "0", "zz", "18446744073709551616", "ff", "00", "ffffff", "\xf0\x9f\x98\x80",
        "0123"};
    struct world *world = world_new(64);
    tell_three(world);
    tell_payment(world, "stripe:evt_1", "cus_AAA", "in_1");
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        json_decref(members_page(world, (struct members_query){.after = odd[i]}));
        json_decref(members_page(world, (struct members_query){.text = "ada", .after = odd[i]}));
        json_decref(timeline(world, "mem_ada", "", odd[i], 5));
        json_t *answer;
        struct store_txn *txn = look(world);
        assert_int_equal(projection_events(txn, "payment.", odd[i], 5, &answer), OK);
        json_decref(answer);
        assert_int_equal(projection_audit(txn, "", "", odd[i], 5, &answer), OK);
        json_decref(answer);
        store_abort(&txn);
    }
    world_destroy(&world);
}

/* --- what happened to one ---------------------------------------------------------------------- */

static void tell_bounce(struct world *world, const char *id, const char *email, const char *status)
{
    json_t *data = json_pack("{s:[{s:s, s:s, s:s, s:s, s:s}]}", "facts", "kind", "bounce", "key",
                             "mail_1", "email", email, "status", status, "reason", "General");
    happen(world,
           (struct told){.type = "mail.bounced", .id = id, .source = "webhook", .data = data});
}

/* The first payment comes before anybody is known: it is linked by what it led to. The second names
 * a customer who is known by then; mail that came back names an address. */
static void check_timeline(void **state)
{
    (void)state;
    struct world *world = world_new(2);
    json_t *ada = document_of("mem_ada", "ada@example.com", "Ada");
    set_list(ada, "customers", "cus_a", NULL);
    tell_payment(world, "stripe:evt_1", "cus_a", "in_1");
    assert_string_equal(tree_text(world->line, "text"), "Paid 29.00 USD");
    tell_member(world, "member.joined", "stripe:evt_1", ada);
    assert_string_equal(tree_text(world->line, "name"), "Ada");
    tell_job(world, "mailer", "welcome:mem_ada", "done", "mem_ada", 0);
    tell_payment(world, "stripe:evt_2", "cus_a", "in_2");
    assert_string_equal(tree_text(world->line, "member"), "mem_ada");
    assert_string_equal(tree_text(world->line, "name"), "Ada");
    tell_payment(world, "stripe:evt_3", "cus_other", "in_3");
    tell_bounce(world, "resend:msg_1", "ADA@example.com", "hard");
    assert_string_equal(tree_text(world->line, "text"), "A mail bounced: General");
    tell_bounce(world, "resend:msg_2", "bob@example.com", "hard");

    json_t *answer = timeline(world, "mem_ada", "", "", 50);
    assert_string_equal(said(tree_get(answer, "timeline"), "event"),
                        "resend:msg_1 stripe:evt_2 mailer:3 ledger:2 stripe:evt_1");
    assert_string_equal(said(tree_get(answer, "timeline"), "lane"), "mail money mail access money");
    assert_string_equal(said(tree_get(answer, "timeline"), "name"), "Ada Ada Ada Ada Ada");
    json_decref(answer);
    answer = timeline(world, "mem_ada", "money", "", 1);
    assert_string_equal(said(tree_get(answer, "timeline"), "event"), "stripe:evt_2");
    char after[32];
    snprintf(after, sizeof after, "%s", tree_text(answer, "next"));
    json_decref(answer);
    answer = timeline(world, "mem_ada", "money", after, 1);
    assert_string_equal(said(tree_get(answer, "timeline"), "event"), "stripe:evt_1");
    assert_true(json_is_null(tree_get(answer, "next")));
    json_decref(answer);
    struct store_txn *txn = look(world);
    assert_int_equal(projection_timeline(txn, "nobody", "", "", 5, &answer), FAULT_NOT_FOUND);
    assert_null(answer);
    store_abort(&txn);
    world_destroy(&world);
}

static void check_job_history(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    json_t *attempts, *retried = tree_of("{'actor':'crm','key':'crm:mem_1','reason':'fixed'}");
    tell_job(world, "crm", "crm:mem_1", "waiting", "mem_1", 1);
    tell_job(world, "support", "crm:mem_1", "dead", "mem_1", 1); /* another actor's */
    tell_job(world, "crm", "crm:mem_2", "dead", "mem_2", 1);
    tell_job(world, "crm", "crm:mem_1", "dead", "mem_1", 1);
    happen(world, (struct told){
                      .type = "admin.retried", .id = "console:1", .who = "ada", .data = retried});
    tell_job(world, "crm", "crm:mem_1", "done", "mem_1", 1);
    struct store_txn *txn = look(world);
    assert_int_equal(projection_job_history(txn, "crm", "crm:mem_1", &attempts), OK);
    assert_string_equal(said(attempts, "state"), "waiting dead retried done");
    assert_string_equal(tree_text(json_array_get(attempts, 2), "who"), "ada");
    assert_int_equal(tree_int(json_array_get(attempts, 3), "latency_ms"), 120);
    json_decref(attempts);
    assert_int_equal(projection_job_history(txn, "crm", "no such key", &attempts), OK);
    assert_int_equal(json_array_size(attempts), 0);
    json_decref(attempts);
    store_abort(&txn);

    for (int i = 0; i < 300; i++) { /* the newest 200 */
        tell_job(world, "crm", "crm:mem_3", i < 299 ? "waiting" : "done", "mem_3", 1);
    }
    txn = look(world);
    assert_int_equal(projection_job_history(txn, "crm", "crm:mem_3", &attempts), OK);
    assert_int_equal(json_array_size(attempts), 200);
    assert_string_equal(tree_text(json_array_get(attempts, 199), "state"), "done");
    json_decref(attempts);
    store_abort(&txn);
    world_destroy(&world);
}

/* --- events ------------------------------------------------------------------------------------ */

static void tell_story(struct world *world)
{
    json_t *ada = document_of("mem_ada", "ada@example.com", "Ada");
    tell_payment(world, "stripe:evt_1", "cus_a", "in_1");
    tell_member(world, "member.joined", "stripe:evt_1", ada);
    happen(world, (struct told){.type = "job.done",
                                .id = "crm:done:1",
                                .subject = "mem_ada",
                                .cause = "ledger:2",
                                .trace = "stripe:evt_1",
                                .source = "crm",
                                .data = tree_of("{'actor':'crm','key':'crm:mem_ada','kind':"
                                                "'contact','state':'done','target':'hubspot'}")});
    happen(world, (struct told){.type = "member.due",
                                .id = "ledger:due:1",
                                .cause = "stripe:evt_1",
                                .source = "ledger",
                                .data = json_object()});
    tell_payment(world, "stripe:evt_2", "cus_b", "in_2");
}

static void check_trace(void **state)
{
    (void)state;
    static const char *const ids[] = {"stripe:evt_1", "evt_1", "ledger:2", "crm:done:1",
                                      "ledger:due:1"};
    struct world *world = world_new(10);
    struct trace_lines lines;
    uint64_t seq = 0;
    json_t *answer, *none = json_array();
    tell_story(world);
    struct store_txn *txn = look(world);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        assert_int_equal(projection_trace(txn, ids[i], &answer), OK);
        assert_string_equal(tree_text(answer, "trace"), "stripe:evt_1");
        assert_string_equal(said(tree_get(answer, "events"), "id"),
                            "stripe:evt_1 ledger:2 crm:done:1 ledger:due:1");
        json_decref(answer);
    }
    assert_int_equal(projection_trace(txn, "evt_1", &answer), OK);
    const json_t *job = json_array_get(tree_get(answer, "events"), 2);
    assert_string_equal(tree_text(job, "job"), "crm:crm:mem_ada");
    assert_string_equal(tree_text(job, "source"), "crm");
    trace_tree(tree_get(answer, "events"), none, &lines);
    assert_int_equal(lines.count, 4);
    assert_string_equal(lines.lines[2].branch, "│  └─ ");
    assert_int_equal(lines.lines[2].after_ms, 2000);
    trace_lines_fini(&lines);
    json_decref(answer);
    assert_int_equal(projection_trace(txn, "evt_3", &answer), FAULT_NOT_FOUND);
    assert_int_equal(projection_event_seq(txn, "evt_2", &seq), OK);
    assert_int_equal(seq, 5);
    assert_int_equal(projection_event_seq(txn, "stripe:evt_2", &seq), OK);
    assert_int_equal(projection_event_seq(txn, "", &seq), FAULT_NOT_FOUND);
    store_abort(&txn);
    json_decref(none);
    world_destroy(&world);
}

/* However long ago it was. */
static void check_an_old_event(void **state)
{
    (void)state;
    struct world *world = world_new(512);
    uint64_t seq = 0;
    json_t *answer;
    tell_story(world);
    world->seq = 100000;
    tell_payment(world, "stripe:evt_9", "cus_b", "in_9");
    struct store_txn *txn = look(world);
    assert_int_equal(projection_event_seq(txn, "evt_1", &seq), OK);
    assert_int_equal(seq, 1);
    assert_int_equal(projection_event_seq(txn, "stripe:evt_9", &seq), OK);
    assert_int_equal(seq, 100001);
    assert_int_equal(projection_event_seq(txn, "evt_no", &seq), FAULT_NOT_FOUND);
    assert_int_equal(projection_trace(txn, "crm:done:1", &answer), OK);
    assert_int_equal(json_array_size(tree_get(answer, "events")), 4);
    json_decref(answer);
    store_abort(&txn);
    world_destroy(&world);
}

static void check_events(void **state)
{
    (void)state;
    static const struct {
        const char *type, *found;
    } rows[] = {
        {"", "stripe:evt_2 crm:done:1 ledger:2 stripe:evt_1"},
        {"payment.", "stripe:evt_2 stripe:evt_1"},
        {"payment.succeeded", "stripe:evt_2 stripe:evt_1"},
        {"payment.failed", ""},
        {"member.", "ledger:2"},
        {"job.done", "crm:done:1"},
        {"no.such", ""},
    };
    struct world *world = world_new(10);
    json_t *answer;
    tell_story(world);
    struct store_txn *txn = look(world);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(projection_events(txn, rows[i].type, "", 50, &answer), OK);
        assert_string_equal(said(tree_get(answer, "events"), "id"), rows[i].found);
        json_decref(answer);
    }
    char after[32] = "";
    int seen = 0;
    for (bool more = true; more; seen++) {
        assert_int_equal(projection_events(txn, "", after, 1, &answer), OK);
        snprintf(after, sizeof after, "%s", tree_text(answer, "next"));
        more = json_is_string(tree_get(answer, "next"));
        json_decref(answer);
    }
    assert_int_equal(seen, 4);
    store_abort(&txn);
    world_destroy(&world);
}

/* What a page counts on is there, null where it is not known. */
static void check_lines_are_whole(void **state)
{
    (void)state;
    static const char *const fields[] = {"seq",   "time", "lane", "text", "member", "name",
                                         "event", "type", "rule", "who",  "state"};
    struct world *world = world_new(10);
    json_t *answer, *line;
    size_t i;
    tell_story(world);
    struct store_txn *txn = look(world);
    assert_int_equal(projection_events(txn, "", "", 50, &answer), OK);
    json_array_append(tree_get(answer, "events"), world->line);
    json_array_foreach(tree_get(answer, "events"), i, line)
    {
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
            if (!tree_get(line, fields[f])) {
                fail_msg("%s has no %s", tree_text(line, "event"), fields[f]);
            }
        }
    }
    json_decref(answer);
    store_abort(&txn);
    world_destroy(&world);
}

/* --- people's acts ----------------------------------------------------------------------------- */

static void tell_act(struct world *world, const char *type, const char *id, const char *who,
                     const char *reason)
{
    json_t *data = tree_of("{'member':'mem_ada'}");
    tree_set_text(data, "reason", reason);
    happen(world, (struct told){.type = type,
                                .id = id,
                                .subject = "mem_ada",
                                .source = "console",
                                .who = who,
                                .data = data});
}

static json_t *audit(struct world *world, const char *who, const char *text, const char *after,
                     size_t limit)
{
    json_t *answer;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_audit(txn, who, text, after, limit, &answer), OK);
    store_abort(&txn);
    return answer;
}

static void check_audit(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    json_t *before = document_of("mem_ada", "ada@example.com", "Ada");
    tree_set_flag(before, "access", false);
    tree_set_text(before, "state", "none");
    tell_member(world, "member.changed", NULL, before);
    tell_act(world, "admin.granted", "console:1", "grace", "speaker in March");
    tell_member(world, "member.joined", "console:1",
                document_of("mem_ada", "ada@example.com", "Ada"));
    tell_act(world, "admin.resynced", "tools:2", "alan", "asked on the phone");

    json_t *answer = audit(world, "", "", "", 50), *entries = tree_get(answer, "entries");
    assert_string_equal(said(entries, "what"), "admin.resynced admin.granted");
    const json_t *granted = json_array_get(entries, 1);
    assert_string_equal(tree_text(granted, "who"), "grace");
    assert_string_equal(tree_text(granted, "reason"), "speaker in March");
    assert_string_equal(tree_text(granted, "member"), "mem_ada");
    assert_string_equal(tree_text(tree_get(granted, "before"), "state"), "none");
    assert_false(tree_flag(tree_get(granted, "before"), "access"));
    assert_string_equal(tree_text(tree_get(granted, "after"), "state"), "active");
    assert_true(tree_flag(tree_get(granted, "after"), "access"));
    assert_true(json_is_null(tree_get(json_array_get(entries, 0), "before")));
    json_decref(answer);

    answer = audit(world, "grace", "", "", 50);
    assert_string_equal(said(tree_get(answer, "entries"), "event"), "console:1");
    json_decref(answer);
    answer = audit(world, "", "PHONE", "", 50);
    assert_string_equal(said(tree_get(answer, "entries"), "event"), "tools:2");
    json_decref(answer);
    answer = audit(world, "", "", "", 1);
    char after[32];
    snprintf(after, sizeof after, "%s", tree_text(answer, "next"));
    json_decref(answer);
    answer = audit(world, "", "", after, 1);
    assert_string_equal(said(tree_get(answer, "entries"), "event"), "console:1");
    assert_true(json_is_null(tree_get(answer, "next")));
    json_decref(answer);
    world_destroy(&world);
}

/* --- alerts ------------------------------------------------------------------------------------ */

static void tell_alert(struct world *world, const char *type, const char *object)
{
    char id[64];
    json_t *data = tree_of("{'rule':'dead_letter','text':'Jobs wait','todo':'usher jobs','n':1}");
    snprintf(id, sizeof id, "alert:%llu", (unsigned long long)world->seq + 1);
    tree_set(data, "object", json_string(object));
    tree_set_int(data, "since", first_ms);
    happen(world, (struct told){.type = type, .id = id, .source = "alert", .data = data});
}

static void tell_silence(struct world *world, const char *type, const char *object, int64_t until)
{
    char id[64];
    json_t *data = tree_of("{'rule':'dead_letter','reason':'known'}");
    snprintf(id, sizeof id, "console:%llu", (unsigned long long)world->seq + 1);
    tree_set(data, "object", json_string(object));
    tree_set_int(data, "until", until);
    happen(world,
           (struct told){.type = type, .id = id, .source = "console", .who = "ada", .data = data});
}

static json_t *alerts(struct world *world, int64_t now_ms)
{
    json_t *answer;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_alerts(txn, now_ms, 10, &answer), OK);
    store_abort(&txn);
    return answer;
}

static void check_alerts(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    int64_t later = first_ms + 3600000;
    tell_alert(world, "alert.raised", "crm: no");
    tell_alert(world, "alert.raised", "mailer: no");
    tell_alert(world, "alert.cleared", "crm: no");
    tell_silence(world, "admin.silenced", "", later);

    json_t *answer = alerts(world, first_ms), *standing = tree_get(answer, "standing");
    assert_string_equal(said(standing, "object"), "mailer: no");
    assert_string_equal(said(standing, "since"), "2026-11-26T08:00:00Z");
    assert_string_equal(said(standing, "silenced_until"), "2026-11-26T09:00:00Z");
    assert_string_equal(said(tree_get(answer, "history"), "state"), "cleared raised raised");
    assert_string_equal(said(tree_get(answer, "history"), "rule"),
                        "dead_letter dead_letter dead_letter");
    assert_string_equal(said(tree_get(answer, "history"), "object"), "crm: no mailer: no crm: no");
    assert_string_equal(said(tree_get(answer, "silences"), "who"), "ada");
    json_decref(answer);

    answer = alerts(world, later + 1); /* a silence that is over is none */
    assert_true(
        json_is_null(tree_get(json_array_get(tree_get(answer, "standing"), 0), "silenced_until")));
    assert_int_equal(json_array_size(tree_get(answer, "silences")), 0);
    json_decref(answer);

    tell_silence(world, "admin.silenced", "mailer: no", later);
    tell_silence(world, "admin.unsilenced", "", 0);
    answer = alerts(world, first_ms);
    assert_string_equal(said(tree_get(answer, "silences"), "object"), "mailer: no");
    assert_string_equal(said(tree_get(answer, "standing"), "silenced_until"),
                        "2026-11-26T09:00:00Z");
    json_decref(answer);
    world_destroy(&world);
}

/* --- numbers ----------------------------------------------------------------------------------- */

static json_t *home(struct world *world, int64_t now_ms)
{
    json_t *numbers;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_home(txn, now_ms, &numbers), OK);
    store_abort(&txn);
    return numbers;
}

/* A member whose newest payment is this one. */
static json_t *paid_document(const char *id, const char *object, int64_t at_ms, int64_t amount,
                             const char *currency)
{
    json_t *document = document_of(id, "ada@example.com", "Ada"), *last = json_object();
    tree_set_int(last, "amount", amount);
    tree_set_text(last, "currency", currency);
    tree_set_text(last, "object", object);
    tree_set(document, "last_payment", last);
    tree_set_int(document, "last_payment_at", at_ms);
    return document;
}

/* The provider tells of one payment in several events, and one person may become part of another:
 * money is counted once. */
static void check_money_is_counted_once(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    tell_payment(world, "stripe:evt_paid", "cus_a", "in_1");
    tell_payment(world, "stripe:evt_succeeded", "cus_a", "in_1");
    tell_member(world, "member.joined", "stripe:evt_paid",
                paid_document("mem_b", "in_1", first_ms, 2900, "usd"));
    tell_member(world, "member.changed", NULL,
                paid_document("mem_b", "in_1", first_ms, 2900, "usd"));
    json_t *numbers = home(world, first_ms);
    assert_int_equal(tree_int(numbers, "payments_today"), 1);
    assert_string_equal(tree_text(numbers, "paid_today"), "29.00 USD");
    json_decref(numbers);

    json_t *one = paid_document("mem_a", "in_1", first_ms, 2900, "usd");
    set_list(one, "aliases", "mem_a", "mem_b");
    set_list(one, "merged", "mem_b", NULL);
    tell_member(world, "member.changed", NULL, one);
    tell_member(world, "member.changed", NULL,
                paid_document("mem_a", "in_2", first_ms + 1, 1000, "eur"));
    numbers = home(world, first_ms);
    assert_int_equal(tree_int(numbers, "payments_today"), 2);
    assert_string_equal(tree_text(numbers, "paid_today"), "10.00 EUR, 29.00 USD");
    json_decref(numbers);
    numbers = home(world, first_ms + 86400000);
    assert_int_equal(tree_int(numbers, "payments_today"), 0);
    assert_string_equal(tree_text(numbers, "paid_today"), "");
    json_decref(numbers);
    world_destroy(&world);
}

static void check_numbers(void **state)
{
    (void)state;
    struct world *world = world_new(10);
    json_t *seen, *rules;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_setup(txn, &seen), OK);
    assert_false(tree_flag(seen, "provider_event") || tree_flag(seen, "member") ||
                 tree_flag(seen, "crm_done") || tree_flag(seen, "mail_done"));
    json_decref(seen);
    store_abort(&txn);

    tell_three(world);
    tell_payment(world, "stripe:evt_1", "cus_AAA", "in_1");
    tell_job(world, "mailer", "welcome:mem_ada", "done", "mem_ada", 0);
    tell_job(world, "mailer", "welcome:mem_bob", "waiting", "mem_bob", 0);
    tell_job(world, "crm", "crm:mem_ada", "done", "mem_ada", 1);
    tell_bounce(world, "resend:msg_1", "nobody@example.com", "soft");
    tell_bounce(world, "resend:msg_2", "nobody@example.com", "hard");
    json_t *numbers = home(world, first_ms);
    assert_int_equal(tree_int(numbers, "members"), 3);
    assert_int_equal(tree_int(numbers, "with_access"), 2);
    assert_int_equal(tree_int(tree_get(numbers, "by_state"), "active"), 2);
    assert_int_equal(tree_int(tree_get(numbers, "by_state"), "paused"), 1);
    assert_int_equal(tree_int(numbers, "mails"), 1);
    assert_int_equal(tree_int(numbers, "bounces"), 1);
    json_decref(numbers);
    numbers = home(world, first_ms + INT64_C(31) * 86400000);
    assert_int_equal(tree_int(numbers, "mails"), 0);
    json_decref(numbers);

    txn = look(world);
    assert_int_equal(projection_setup(txn, &seen), OK);
    assert_true(tree_flag(seen, "provider_event") && tree_flag(seen, "member") &&
                tree_flag(seen, "crm_done") && tree_flag(seen, "mail_done"));
    json_decref(seen);
    assert_int_equal(projection_rules(txn, &rules), OK);
    assert_int_equal(tree_int(tree_get(rules, "first access"), "count"), 3);
    assert_string_equal(tree_text(tree_get(rules, "first access"), "last_at"),
                        "2026-11-26T08:00:03Z");
    json_decref(rules);
    store_abort(&txn);
    world_destroy(&world);
}

/* --- hostile ----------------------------------------------------------------------------------- */

/* 10 KB, of which the first bytes are `text`. */
static char *long_text(const char *text, char filler)
{
    enum { LONG = 10240 };
    char *out = malloc(LONG + 1);
    memset(out, filler, LONG);
    memcpy(out, text, strlen(text));
    out[LONG] = '\0';
    return out;
}

static json_t *hostile_document(const char *id, const char *name, const char *customer)
{
    json_t *document = document_of(id, "", name);
    char *email = malloc(strlen(name) + 32);
    sprintf(email, "%s@example.com", name);
    tree_set(document, "email", json_string(email));
    tree_set(document, "app_user", json_string(name));
    tree_set(document, "state", json_string(name));
    tree_set(document, "rule", json_string(name));
    set_list(document, "customers", customer, name);
    free(email);
    return document;
}

static void tell_hostile(struct world *world, const char *id, const char *name)
{
    char event[64];
    tell_member(world, "member.changed", NULL, hostile_document(id, name, "cus_x"));
    snprintf(event, sizeof event, "stripe:evt_%s", id);
    tell_payment(world, event, name, name);
    tell_job(world, "crm", name, "dead", id, 1);
    tell_alert(world, "alert.raised", name);
    tell_silence(world, "admin.silenced", name, first_ms + 1);
    snprintf(event, sizeof event, "console:n%s", id);
    tell_act(world, "admin.noted", event, "ada", name);
}

static void look_hostile(struct world *world, const char *id, const char *name)
{
    json_t *answer, *document = NULL;
    struct store_txn *txn = look(world);
    assert_int_equal(projection_member(txn, name, &document), OK); /* by app user or customer */
    assert_string_equal(tree_text(document, "id"), id);
    json_decref(document);
    assert_int_equal(projection_timeline(txn, id, "", "", 50, &answer), OK);
    assert_true(json_array_size(tree_get(answer, "timeline")) >= 2);
    json_decref(answer);
    assert_int_equal(projection_job_history(txn, "crm", name, &answer), OK);
    assert_int_equal(json_array_size(answer), 1);
    json_decref(answer);
    assert_int_equal(projection_events(txn, name, name, 50, &answer), OK);
    json_decref(answer);
    assert_int_equal(projection_audit(txn, name, name, name, 50, &answer), OK);
    json_decref(answer);
    uint64_t seq;
    assert_int_equal(projection_event_seq(txn, name, &seq), FAULT_NOT_FOUND);
    store_abort(&txn);
    json_decref(members_page(world, (struct members_query){.text = name, .limit = 1}));
    json_decref(members_page(world, (struct members_query){.state = name, .after = name}));
}

static void check_hostile(void **state)
{
    (void)state;
    char *names[] = {long_text("long", 'x'),
                     long_text("\xf0\x9f\x98\x80", '\x01'),
                     long_text("words", ' '),
                     strdup("\xe2\x80\xaegnp.exe"),
                     strdup("\xf0\x9f\x98\x80\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"),
                     strdup("a\tb\nc\"d'e\\f%s%n"),
                     strdup("../../etc/passwd"),
                     long_text("long", 'y')};
    struct world *world = world_new(7);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char id[32];
        snprintf(id, sizeof id, "mem_%zu", i);
        tell_hostile(world, id, names[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char id[32];
        snprintf(id, sizeof id, "mem_%zu", i);
        look_hostile(world, id, names[i]);
        free(names[i]);
    }
    json_t *answer = alerts(world, first_ms);
    assert_int_equal(json_array_size(tree_get(answer, "standing")), sizeof names / sizeof *names);
    json_decref(answer);
    json_decref(home(world, first_ms));
    world_destroy(&world);
}

/* Data of any shape: what is not there is not there. */
static void check_odd_data(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "{}",
        "{'facts':7}",
        "{'facts':[7,null,{}]}",
        "{'id':7,'aliases':{},'merged':[7],'customers':7,'last_payment':[]}",
        "{'id':'mem_1','aliases':[null,7,'mem_1'],'merged':['mem_1',null],'customers':[7]}",
        "{'actor':7,'key':[],'state':{}}",
        "{'rule':7,'object':null,'since':'x'}",
    };
    struct world *world = world_new(50);
    const struct event_type *type;
    for (size_t t = 0; (type = event_type_nth(t)); t++) {
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
            char id[64];
            snprintf(id, sizeof id, "odd:%zu:%zu", t, i);
            happen(world, (struct told){.type = type->name, .id = id, .data = tree_of(odd[i])});
        }
    }
    json_decref(members_page(world, (struct members_query){.text = "mem"}));
    json_decref(alerts(world, first_ms));
    json_decref(home(world, first_ms));
    world_destroy(&world);
}

/* --- made again -------------------------------------------------------------------------------- */

/* A few thousand events of everything above, the same each time. */
static void tell_everything(struct world *world)
{
    tell_crowd(world);
    tell_story(world);
    for (int i = 0; i < CROWD; i++) {
        char id[32], other[32], email[64], event[64];
        snprintf(id, sizeof id, "mem_%03d", i);
        snprintf(other, sizeof other, "mem_%03d", i + 1);
        snprintf(email, sizeof email, "p%d@example.org", i);
        snprintf(event, sizeof event, "stripe:evt_c%d", i);
        tell_payment(world, event, id, event);
        json_t *document = paid_document(id, event, first_ms + i, 100, i % 2 ? "usd" : "eur");
        tree_set(document, "email", json_string(email));
        if (i % 10 == 3) {
            set_list(document, "aliases", id, other);
            set_list(document, "merged", other, NULL);
        }
        tell_member(world, "member.changed", event, document);
        tell_job(world, "crm", id, i % 3 ? "done" : "dead", id, i);
        if (i % 5 == 0) {
            tell_hostile(world, id, email);
        }
    }
}

static void digest_of(size_t batch, bool gives_up, uint8_t digest[SHA256_BYTES])
{
    struct world *world = world_new(batch);
    if (gives_up) { /* a batch that was begun and did not come to its end leaves nothing */
        world->batch = SIZE_MAX;
        tell_crowd(world);
        store_abort(&world->txn);
        world->seq = world->in_batch = 0;
        world->batch = batch;
    }
    tell_everything(world);
    struct store_txn *txn = look(world);
    assert_int_equal(store_digest(txn, NULL, digest), OK);
    store_abort(&txn);
    world_destroy(&world);
}

static void check_made_again(void **state)
{
    (void)state;
    static const size_t batches[] = {7, 64, 512, 1000000};
    uint8_t expected[SHA256_BYTES], digest[SHA256_BYTES];
    digest_of(33, false, expected);
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++) {
        digest_of(batches[i], i % 2, digest);
        assert_memory_equal(digest, expected, sizeof digest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_search),
        cmocka_unit_test(check_filters),
        cmocka_unit_test(check_by_name),
        cmocka_unit_test(check_one_address_of_several),
        cmocka_unit_test(check_merged),
        cmocka_unit_test(check_pages),
        cmocka_unit_test(check_page_while_things_change),
        cmocka_unit_test(check_odd_cursors),
        cmocka_unit_test(check_timeline),
        cmocka_unit_test(check_job_history),
        cmocka_unit_test(check_trace),
        cmocka_unit_test(check_an_old_event),
        cmocka_unit_test(check_events),
        cmocka_unit_test(check_lines_are_whole),
        cmocka_unit_test(check_audit),
        cmocka_unit_test(check_alerts),
        cmocka_unit_test(check_money_is_counted_once),
        cmocka_unit_test(check_numbers),
        cmocka_unit_test(check_hostile),
        cmocka_unit_test(check_odd_data),
        cmocka_unit_test(check_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
