/* stamp_test.c - rights at the door, and the splice of source and who. */
#include "test.h"

#include "stamp.h"
#include "values.h"

struct outcome {
    enum fault fault;
    struct buf out;
    struct stamped stamped;
    struct event event; /* what a reader gets */
};

static void stamp_bytes(const char *name, const struct buf *bytes, struct outcome *outcome)
{
    static struct event scratch;
    const char *why;
    memset(outcome, 0, sizeof *outcome);
    buf_add_text(&outcome->out, "before");
    outcome->fault = stamp_event(rights_of(name), name, bytes->bytes, bytes->len, &scratch,
                                 &outcome->out, &outcome->stamped, &why);
    if (outcome->fault != OK) {
        assert_int_equal(outcome->out.len, 6); /* nothing is left behind */
        assert_true(*why);
        return;
    }
    assert_int_equal(outcome->stamped.start, 6);
    assert_true(outcome->stamped.len <= bytes->len + STAMP_BYTES_MAX);
    assert_int_equal(event_parse(outcome->out.bytes + 6, outcome->stamped.len, &outcome->event),
                     OK);
    assert_int_equal(outcome->stamped.id_len, strlen(outcome->event.id));
    assert_memory_equal(outcome->out.bytes + outcome->stamped.id_start, outcome->event.id,
                        outcome->stamped.id_len);
}

static enum fault stamp(const char *name, const char *json, struct outcome *outcome)
{
    struct buf bytes = {0};
    json_t *tree = json_loads(json, 0, NULL);
    assert_non_null(tree);
    value_pack(tree, &bytes);
    json_decref(tree);
    stamp_bytes(name, &bytes, outcome);
    buf_fini(&bytes);
    return outcome->fault;
}

static enum fault stamp_only(const char *name, const char *json)
{
    struct outcome outcome;
    enum fault fault = stamp(name, json, &outcome);
    buf_fini(&outcome.out);
    return fault;
}

static void source_is_the_keys(void **state)
{
    (void)state;
    struct outcome outcome;
    assert_int_equal(stamp("crm",
                           "{\"id\":\"crm:1\",\"type\":\"job.done\",\"source\":\"ledger\","
                           "\"trace\":\"t\",\"data\":{\"source\":\"kept\",\"who\":\"kept\"}}",
                           &outcome),
                     OK);
    assert_string_equal(outcome.event.source, "crm");
    assert_string_equal(outcome.event.who, "");
    assert_string_equal(outcome.event.trace, "t");
    assert_string_equal(outcome.stamped.type->name, "job.done");
    json_t *data = event_data(&outcome.event);
    assert_string_equal(tree_text(data, "source"), "kept");
    assert_string_equal(tree_text(data, "who"), "kept");
    json_decref(data);
    buf_fini(&outcome.out);
}

static void who_is_the_person_of_the_key(void **state)
{
    (void)state;
    struct outcome outcome;
    static const char plain[] = "{\"id\":\"tools:1\",\"type\":\"admin.noted\"}";
    assert_int_equal(stamp("people/ada", plain, &outcome), OK);
    assert_string_equal(outcome.event.source, "tools");
    assert_string_equal(outcome.event.who, "ada");
    buf_fini(&outcome.out);
    assert_int_equal(stamp("tools", plain, &outcome), OK);
    assert_string_equal(outcome.event.who, "");
    buf_fini(&outcome.out);
    static const char named[] = "{\"id\":\"%s:1\",\"type\":\"admin.noted\",\"who\":\"ada\"}";
    char json[128];
    snprintf(json, sizeof json, named, "tools");
    assert_int_equal(stamp_only("people/ada", json), OK);
    assert_int_equal(stamp_only("people/eve", json), FAULT_DENIED);
    assert_int_equal(stamp_only("tools", json), FAULT_DENIED);
    snprintf(json, sizeof json, named, "console");
    assert_int_equal(stamp("console", json, &outcome), OK);
    assert_string_equal(outcome.event.who, "ada");
    buf_fini(&outcome.out);
}

static void the_type_must_be_the_publishers(void **state)
{
    (void)state;
    const struct event_type *type;
    const struct rights *rights;
    for (size_t i = 0; (type = event_type_nth(i)); i++) {
        for (size_t j = 0; (rights = rights_nth(j)); j++) {
            char json[256];
            snprintf(json, sizeof json, "{\"id\":\"%s:1\",\"type\":\"%s\"}", rights->name,
                     type->name);
            bool may = false;
            char kinds[100];
            snprintf(kinds, sizeof kinds, "%s", rights->kinds);
            for (char *kind = strtok(kinds, " "); kind; kind = strtok(NULL, " ")) {
                may = may || strcmp(type->publisher, kind) == 0;
            }
            assert_int_equal(stamp_only(rights->name, json), may ? OK : FAULT_DENIED);
        }
    }
    assert_int_equal(stamp_only("crm", "{\"id\":\"crm:1\",\"type\":\"job.new\"}"), FAULT_NOT_FOUND);
}

static void the_id_must_be_the_publishers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *id, *type;
        enum fault fault;
    } rows[] = {
        {"webhook", "stripe:evt_1", "payment.failed", OK},
        {"webhook", "webhook:1", "webhook.refused", OK},
        {"webhook", "ledger:1", "payment.failed", FAULT_DENIED},
        {"backfill", "stripe:evt_1", "payment.failed", OK},
        {"backfill", "backfill:1", "backfill.done", OK},
        {"backfill", "ledger:1", "payment.failed", FAULT_DENIED},
        {"backfill", "stripe:evt_1", "member.joined", FAULT_DENIED},
        {"webhook", "webhook:1", "backfill.done", FAULT_DENIED},
        {"crm", "crm:1", "job.done", OK},
        {"crm", "mailer:1", "job.done", FAULT_DENIED},
        {"crm", "crm", "job.done", FAULT_DENIED},
        {"crm", "crm:", "job.done", FAULT_DENIED},
        {"crm", ":1", "job.done", FAULT_DENIED},
        {"people/ada", "people/ada:1", "admin.noted", FAULT_DENIED},
        {"people/ada", "tools:1", "admin.noted", OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[256];
        snprintf(json, sizeof json, "{\"id\":\"%s\",\"type\":\"%s\"}", rows[i].id, rows[i].type);
        assert_int_equal(stamp_only(rows[i].name, json), rows[i].fault);
    }
}

static void an_attribute_stands_once(void **state)
{
    (void)state;
    static const char *const twice[] = {"id", "type", "source", "who", "data", "time"};
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        struct buf bytes = {0};
        struct outcome outcome;
        value_put_map(&bytes, 4);
        value_put_text(&bytes, "id");
        value_put_text(&bytes, "console:1");
        value_put_text(&bytes, "type");
        value_put_text(&bytes, "admin.noted");
        for (int j = 0; j < 2; j++) {
            value_put_text(&bytes, twice[i]);
            if (strcmp(twice[i], "time") == 0) {
                value_put_int(&bytes, 1);
            } else {
                value_put_text(&bytes, strcmp(twice[i], "type") == 0 ? "admin.noted" : "console:1");
            }
        }
        stamp_bytes("console", &bytes, &outcome);
        assert_int_equal(outcome.fault, FAULT_MALFORMED);
        buf_fini(&outcome.out);
        buf_fini(&bytes);
    }
}

static void what_a_later_version_adds_is_kept(void **state)
{
    (void)state;
    struct outcome outcome;
    assert_int_equal(
        stamp("crm", "{\"id\":\"crm:1\",\"type\":\"job.done\",\"zone\":{\"a\":[1]}}", &outcome),
        OK);
    json_t *tree = NULL;
    assert_int_equal(value_unpack(outcome.out.bytes + 6, outcome.stamped.len, &tree), OK);
    assert_int_equal(json_object_size(tree), 4);
    assert_int_equal(json_integer_value(json_array_get(tree_get(tree_get(tree, "zone"), "a"), 0)),
                     1);
    json_decref(tree);
    buf_fini(&outcome.out);
}

static void sizes_are_limited(void **state)
{
    (void)state;
    struct outcome outcome;
    struct buf bytes = {0};
    char *raw = calloc(1, EVENT_BYTES_MAX);
    assert_non_null(raw);
    memset(raw, 'x', EVENT_BYTES_MAX);
    value_put_map(&bytes, 3);
    value_put_text(&bytes, "id");
    value_put_text(&bytes, "crm:1");
    value_put_text(&bytes, "type");
    value_put_text(&bytes, "job.done");
    value_put_text(&bytes, "data");
    size_t head = bytes.len + 5; /* the text's own head */
    value_put_string(&bytes, raw, EVENT_BYTES_MAX - head + 1);
    assert_int_equal(bytes.len, EVENT_BYTES_MAX + 1);
    stamp_bytes("crm", &bytes, &outcome);
    assert_int_equal(outcome.fault, FAULT_TOO_LARGE);
    buf_fini(&outcome.out);
    bytes.len = head - 5;
    value_put_string(&bytes, raw, EVENT_BYTES_MAX - head);
    stamp_bytes("crm", &bytes, &outcome);
    assert_int_equal(outcome.fault, OK);
    buf_fini(&outcome.out);
    buf_fini(&bytes);
    free(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_is_the_keys),
        cmocka_unit_test(who_is_the_person_of_the_key),
        cmocka_unit_test(the_type_must_be_the_publishers),
        cmocka_unit_test(the_id_must_be_the_publishers),
        cmocka_unit_test(an_attribute_stands_once),
        cmocka_unit_test(what_a_later_version_adds_is_kept),
        cmocka_unit_test(sizes_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
