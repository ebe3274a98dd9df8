/* server_test.c - messages in, answers out, with a real journal and no sockets. */
#include "test.h"

#include "doorbell.h"
#include "events.h"
#include "must.h"
#include "peers.h"
#include "server.h"
#include "wire.h"

#define KEY "0123456789012345678901234567890123456789"

enum { ANSWERS_MAX = 1024 };

struct answer {
    char route[16];
    enum wire_verb verb;
    int64_t request, first, second, third; /* its arguments, where they are numbers */
    char fault[32];
    size_t body_len;
};

struct rig {
    char *folder;
    struct journal *journal;
    struct server *server;
    struct answer answers[ANSWERS_MAX];
    size_t count;
    uint64_t rung[ANSWERS_MAX];
    size_t rung_count;
    enum fault send_fault;
    bool allowed;
};

static enum fault take_answer(void *self, struct slice route, const struct buf *header,
                              struct slice body)
{
    struct rig *rig = self;
    struct wire_header parsed;
    assert_int_equal(wire_parse(header->bytes, header->len, &parsed), OK);
    if (rig->send_fault != OK) {
        return rig->send_fault;
    }
    assert_true(rig->count < ANSWERS_MAX);
    struct answer *answer = &rig->answers[rig->count++];
    memset(answer, 0, sizeof *answer);
    memcpy(answer->route, route.bytes, route.len);
    answer->verb = parsed.verb;
    answer->request = parsed.request;
    (void)wire_int(&parsed, 0, &answer->first);
    (void)wire_int(&parsed, 1, &answer->second);
    (void)wire_int(&parsed, 2, &answer->third);
    (void)wire_text(&parsed, 0, answer->fault, sizeof answer->fault);
    answer->body_len = body.len;
    return OK;
}

static void take_bell(void *self, const char *type, uint64_t seq)
{
    struct rig *rig = self;
    assert_non_null(event_type_find(type));
    rig->rung[rig->rung_count++] = seq;
}

static bool allow(void *self, const char *user)
{
    (void)user;
    return ((struct rig *)self)->allowed;
}

static struct rig *rig_new(uint64_t disk_free_min)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct buf why = {0};
    const struct journal_options options = {.segment_bytes = 1 << 20,
                                            .disk_free_min = disk_free_min};
    assert_non_null(rig);
    rig->folder = test_folder();
    rig->allowed = true;
    if (disk_free_min > 1) { /* the disk fills up later: with no room at all nothing begins */
        const struct journal_options roomy = {.segment_bytes = 1 << 20, .disk_free_min = 1};
        assert_int_equal(journal_open(rig->folder, &roomy, &rig->journal, &why), OK);
        journal_close(&rig->journal);
    }
    assert_int_equal(journal_open(rig->folder, &options, &rig->journal, &why), OK);
    const struct server_options server = {.journal = rig->journal,
                                          .self = rig,
                                          .send = take_answer,
                                          .ring = take_bell,
                                          .allowed = allow};
    rig->server = server_new(&server, 0);
    return rig;
}

static void rig_destroy(struct rig *rig)
{
    server_destroy(&rig->server);
    journal_close(&rig->journal);
    test_rm_folder(&rig->folder);
    free(rig);
}

/* A message of `name` on its own route; the header is `format` as JSON, the body msgpack. */
static void say_as(struct rig *rig, const char *route, const char *user, const char *header_json,
                   const struct buf *body, int64_t now_ms)
{
    struct buf header = {0};
    json_error_t error;
    json_t *tree = json_loads(header_json, 0, &error);
    assert_non_null(tree);
    value_pack(tree, &header);
    json_decref(tree);
    struct server_message message = {
        .route = {route, strlen(route)},
        .user = user,
        .header = {header.bytes, header.len},
        .body = body ? (struct slice){body->bytes, body->len} : (struct slice){0},
        .frames = body ? 2 : 1,
    };
    assert_int_equal(server_take(rig->server, &message, now_ms), OK);
    buf_fini(&header);
}

static void say(struct rig *rig, const char *name, const char *header, const struct buf *body,
                int64_t now_ms)
{
    char user[128];
    snprintf(user, sizeof user, KEY " %s", name);
    say_as(rig, name, user, header, body, now_ms);
}

static void hello(struct rig *rig, const char *name)
{
    char header[128];
    snprintf(header, sizeof header, "[\"HELLO\",1,\"%s\",1]", name);
    say(rig, name, header, NULL, 0);
    assert_int_equal(rig->answers[rig->count - 1].verb, WIRE_WELCOME);
    rig->count = 0;
}

static void publish_data(struct rig *rig, const char *name, int64_t request, const char *id,
                         const char *type, const struct buf *data)
{
    struct buf body = {0};
    struct event *event = calloc(1, sizeof *event);
    char header[64];
    assert_non_null(event);
    EVENT_SET(event->id, id);
    EVENT_SET(event->type, type);
    event->time_ms = 1;
    event->data = data->bytes;
    event->data_len = data->len;
    event_pack(event, &body);
    snprintf(header, sizeof header, "[\"PUBLISH\",%d,1]", (int)request);
    say(rig, name, header, &body, 0);
    free(event);
    buf_fini(&body);
}

static void publish(struct rig *rig, const char *name, int64_t request, const char *id,
                    const char *type)
{
    publish_data(rig, name, request, id, type, &(struct buf){0});
}

static void publish_large(struct rig *rig, const char *name, size_t len)
{
    struct buf data = {0};
    char id[64], *text = calloc(1, len);
    assert_non_null(text);
    memset(text, 'x', len);
    snprintf(id, sizeof id, "%s:large", name);
    value_put_map(&data, 1);
    value_put_text(&data, "text");
    value_put_string(&data, text, len);
    publish_data(rig, name, 1, id, "member.joined", &data);
    buf_fini(&data);
    free(text);
}

static void commit(struct rig *rig)
{
    assert_int_equal(server_commit(rig->server, 0), OK);
}

static void many_messages_are_one_commit(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct journal_stat stat;
    hello(rig, "crm");
    hello(rig, "webhook");
    publish(rig, "webhook", 5, "stripe:1", "payment.failed");
    publish(rig, "crm", 6, "crm:1", "job.done");
    publish(rig, "webhook", 7, "stripe:1", "payment.failed");
    assert_int_equal(rig->count, 0); /* never before the commit */
    commit(rig);
    journal_stat(rig->journal, &stat);
    assert_int_equal(stat.commits, 1);
    assert_int_equal(stat.head, 2);
    assert_int_equal(rig->count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig->answers[i].verb, WIRE_PUBLISHED);
        assert_int_equal(rig->answers[i].request, 5 + i);
    }
    assert_int_equal(rig->rung_count, 2); /* a duplicate rings nothing */
    rig_destroy(rig);
}

static void a_refused_message_touches_no_other(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    hello(rig, "crm");
    publish(rig, "crm", 1, "crm:1", "job.done");
    publish(rig, "crm", 2, "crm:2", "member.joined");
    publish(rig, "crm", 3, "crm:3", "job.done");
    commit(rig);
    assert_int_equal(rig->count, 3);
    assert_string_equal(rig->answers[0].fault, "denied");
    assert_int_equal(rig->answers[0].request, 2);
    assert_int_equal(server_head(rig->server), 2);
    rig_destroy(rig);
}

static void a_full_batch_is_committed_on_the_way(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    hello(rig, "crm");
    for (int i = 0; i < 2; i++) {
        struct buf body = {0};
        for (int j = 0; j < 300; j++) {
            char id[32];
            snprintf(id, sizeof id, "crm:%d.%d", i, j);
            value_put_map(&body, 2);
            value_put_text(&body, "id");
            value_put_text(&body, id);
            value_put_text(&body, "type");
            value_put_text(&body, "job.done");
        }
        say(rig, "crm", "[\"PUBLISH\",9,300]", &body, 0);
        buf_fini(&body);
    }
    assert_int_equal(rig->count, 1);
    rig->rung_count = 0;
    commit(rig);
    assert_int_equal(rig->count, 2);
    assert_int_equal(server_head(rig->server), 600);
    rig_destroy(rig);
}

static void no_room_is_temporary_for_all(void **state)
{
    (void)state;
    struct rig *rig = rig_new(UINT64_C(1) << 62);
    hello(rig, "crm");
    hello(rig, "ledger");
    publish(rig, "crm", 1, "crm:1", "job.done");
    publish(rig, "ledger", 2, "ledger:1", "member.joined");
    commit(rig);
    assert_int_equal(rig->count, 2);
    assert_string_equal(rig->answers[0].fault, "full");
    assert_string_equal(rig->answers[1].fault, "full");
    assert_int_equal(server_head(rig->server), 0);
    assert_int_equal(rig->rung_count, 0);
    rig_destroy(rig);
}

static void reads_are_served_a_few_a_round_one_for_each(void **state)
{
    (void)state;
    static const char *const readers[] = {"crm", "ledger", "support", "mailer", "alert", "console"};
    struct rig *rig = rig_new(1);
    for (int i = 0; i < 6; i++) {
        hello(rig, readers[i]);
    }
    publish(rig, "ledger", 1, "ledger:1", "member.joined");
    for (int i = 0; i < 6; i++) {
        say(rig, readers[i], "[\"READ\",2,1,512,[]]", NULL, 0);
        say(rig, readers[i], "[\"READ\",2,1,512,[]]", NULL, 0); /* a resend */
    }
    say(rig, "crm", "[\"READ\",3,1,512,[]]", NULL, 0);
    assert_int_equal(rig->count, 1);
    assert_string_equal(rig->answers[0].fault, "busy");
    commit(rig);
    assert_int_equal(rig->answers[1].verb, WIRE_PUBLISHED); /* before any READ */
    assert_int_equal(rig->count, 2 + SERVER_READS_A_ROUND);
    assert_true(server_busy(rig->server));
    commit(rig);
    assert_int_equal(rig->count, 2 + 6);
    assert_false(server_busy(rig->server));
    for (size_t i = 2; i < rig->count; i++) {
        assert_int_equal(rig->answers[i].verb, WIRE_EVENTS);
        assert_int_equal(rig->answers[i].first, 1);
    }
    rig_destroy(rig);
}

/* Changes a byte of the journal's first file where `text` stands. */
static void damage(const struct rig *rig, const char *text)
{
    static char bytes[1 << 20];
    char *path = must_sprintf("%s/segment-%016d", rig->folder, 1);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    char *at = memmem(bytes, len, text, strlen(text));
    assert_non_null(at);
    assert_int_equal(fseek(file, at - bytes, SEEK_SET), 0);
    assert_int_equal(fputc('#', file), '#');
    fclose(file);
    free(path);
}

/* What stands before damage is served, and `next` stops there: the next READ is told of it. */
static void damage_is_never_passed_over(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    hello(rig, "ledger");
    for (int i = 1; i <= 4; i++) {
        char id[32];
        snprintf(id, sizeof id, "ledger:%d", i);
        publish(rig, "ledger", i, id, i == 2 ? "member.due" : "member.joined");
        if (i != 2) { /* the second and third are of one batch */
            commit(rig);
        }
    }
    damage(rig, "ledger:3");
    rig->count = 0;
    say(rig, "ledger", "[\"READ\",5,1,512,[]]", NULL, 0);
    commit(rig);
    assert_int_equal(rig->answers[0].verb, WIRE_EVENTS);
    assert_int_equal(rig->answers[0].first, 2);
    assert_int_equal(rig->answers[0].second, 3);
    say(rig, "ledger", "[\"READ\",6,2,512,[\"member.joined\"]]", NULL, 0); /* 2 is passed over */
    commit(rig);
    assert_int_equal(rig->answers[1].first, 0);
    assert_int_equal(rig->answers[1].second, 3);
    say(rig, "ledger", "[\"READ\",7,3,512,[]]", NULL, 0);
    commit(rig);
    assert_string_equal(rig->answers[2].fault, "corrupt");
    assert_int_equal(rig->answers[2].third, 4);
    say(rig, "ledger", "[\"READ\",8,4,512,[]]", NULL, 0);
    commit(rig);
    assert_int_equal(rig->answers[3].first, 1);
    assert_int_equal(rig->answers[3].second, 5);
    rig_destroy(rig);
}

/* HELLO again on the same connection does not empty its queue. */
static void hello_again_takes_no_answers(void **state)
{
    (void)state;
    enum { EVENT_DATA = 400 << 10, ROUNDS = SERVER_UNPROVEN_BYTES_MAX / EVENT_DATA + 2 };
    struct rig *rig = rig_new(1);
    hello(rig, "ledger");
    publish_large(rig, "ledger", EVENT_DATA);
    commit(rig);
    rig->count = 0;
    for (int i = 0; i < ROUNDS; i++) {
        say(rig, "ledger", "[\"HELLO\",1,\"ledger\",1]", NULL, 0);
        say(rig, "ledger", "[\"READ\",2,1,512,[]]", NULL, 0);
        commit(rig);
    }
    assert_int_equal(rig->answers[1].verb, WIRE_EVENTS);
    assert_string_equal(rig->answers[rig->count - 1].fault, "busy");
    rig_destroy(rig);
}

static void nobody_speaks_before_hello(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    say(rig, "crm", "[\"BEAT\",1,0]", NULL, 0);
    assert_string_equal(rig->answers[0].fault, "unavailable");
    say(rig, "crm", "[\"HELLO\",2,\"ledger\",1]", NULL, 0);
    assert_string_equal(rig->answers[1].fault, "denied");
    rig->allowed = false;
    say(rig, "crm", "[\"HELLO\",3,\"crm\",1]", NULL, 0);
    assert_string_equal(rig->answers[2].fault, "denied");
    rig_destroy(rig);
}

static void a_route_is_worth_nothing_without_its_key(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    hello(rig, "crm");
    say_as(rig, "crm", KEY " mailer", "[\"BEAT\",1,0]", NULL, 0);
    assert_string_equal(rig->answers[0].fault, "unavailable");
    hello(rig, "crm");
    rig->allowed = false;
    server_keys_changed(rig->server);
    say(rig, "crm", "[\"BEAT\",1,0]", NULL, 0);
    assert_string_equal(rig->answers[0].fault, "unavailable");
    rig_destroy(rig);
}

static void a_question_is_answered_refused_or_over(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct buf body = {0};
    value_put_map(&body, 0);
    hello(rig, "tools");
    hello(rig, "ledger");
    say(rig, "tools", "[\"ASK\",9,\"ledger\",1000]", &body, 0);
    assert_int_equal(rig->answers[0].verb, WIRE_ASKED);
    assert_string_equal(rig->answers[0].route, "ledger");
    char reply[64];
    snprintf(reply, sizeof reply, "[\"REPLY\",0,%d,\"ok\"]", (int)rig->answers[0].first);
    say(rig, "ledger", reply, &body, 10);
    assert_int_equal(rig->answers[1].verb, WIRE_ANSWER);
    assert_int_equal(rig->answers[1].request, 9);
    say(rig, "ledger", reply, &body, 10); /* again: nobody waits */
    assert_int_equal(rig->count, 2);
    say(rig, "tools", "[\"ASK\",10,\"ledger\",1000]", &body, 10);
    server_tick(rig->server, 1009);
    assert_int_equal(rig->count, 3);
    server_tick(rig->server, 1010);
    assert_string_equal(rig->answers[3].fault, "timeout");
    say(rig, "tools", "[\"ASK\",11,\"ledger\",1000]", &body, 10 + PEER_SILENT_MS);
    assert_string_equal(rig->answers[4].fault, "unavailable"); /* silent for too long */
    buf_fini(&body);
    rig_destroy(rig);
}

static void answers_that_nobody_takes_are_counted(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    hello(rig, "crm");
    rig->send_fault = FAULT_FULL;
    publish(rig, "crm", 1, "crm:1", "job.done");
    commit(rig);
    json_t *status = server_status(rig->server, 0);
    assert_int_equal(tree_int(tree_get(status, "counts"), "unheard"), 1);
    assert_int_equal(tree_int(status, "head"), 1);
    json_decref(status);
    rig_destroy(rig);
}

static void a_bell_is_type_and_number(void **state)
{
    (void)state;
    uint8_t frame[DOORBELL_BYTES_MAX];
    static const uint8_t expected[] = "job.done\0\0\0\0\0\0\0\1\2";
    assert_int_equal(doorbell_frame("job.done", 258, frame), 17);
    assert_memory_equal(frame, expected, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_messages_are_one_commit),
        cmocka_unit_test(a_refused_message_touches_no_other),
        cmocka_unit_test(a_full_batch_is_committed_on_the_way),
        cmocka_unit_test(no_room_is_temporary_for_all),
        cmocka_unit_test(reads_are_served_a_few_a_round_one_for_each),
        cmocka_unit_test(damage_is_never_passed_over),
        cmocka_unit_test(hello_again_takes_no_answers),
        cmocka_unit_test(nobody_speaks_before_hello),
        cmocka_unit_test(a_route_is_worth_nothing_without_its_key),
        cmocka_unit_test(a_question_is_answered_refused_or_over),
        cmocka_unit_test(answers_that_nobody_takes_are_counted),
        cmocka_unit_test(a_bell_is_type_and_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
