/* events_test.c - the event's codec, the tables, the facts and the wire. */
#include "test.h"

#include "events.h"
#include "facts.h"
#include "rights.h"
#include "wire.h"

static void events_go_both_ways(void **state)
{
    (void)state;
    struct event event = {.time_ms = 1795428000000}, back;
    EVENT_SET(event.id, "stripe:evt_1");
    EVENT_SET(event.type, "payment.succeeded");
    EVENT_SET(event.subject, "mem_1");
    json_t *data = json_pack("{s:i}", "n", 1);
    struct buf bytes = {0};
    event_pack_tree(&event, data, &bytes);
    assert_int_equal(event_parse(bytes.bytes, bytes.len, &back), OK);
    assert_string_equal(back.id, "stripe:evt_1");
    assert_string_equal(back.subject, "mem_1");
    assert_string_equal(back.trace, "stripe:evt_1");
    assert_string_equal(back.source, "");
    assert_int_equal(back.time_ms, event.time_ms);
    json_t *again = event_data(&back);
    assert_true(json_equal(data, again));
    json_decref(again);
    json_decref(data);
    struct buf copy = {0};
    EVENT_SET(back.trace, "");
    event_pack(&back, &copy);
    assert_int_equal(copy.len, bytes.len);
    assert_memory_equal(copy.bytes, bytes.bytes, bytes.len);
    buf_fini(&copy);
    buf_fini(&bytes);
}

static void json_is_cloudevents(void **state)
{
    (void)state;
    struct event event = {.time_ms = 1795428000000, .seq = 7, .version = 1};
    EVENT_SET(event.id, "ledger:x");
    EVENT_SET(event.type, "member.joined");
    EVENT_SET(event.source, "ledger");
    json_t *tree = event_json(&event);
    char *text = json_dumps(tree, JSON_SORT_KEYS | JSON_COMPACT);
    assert_string_equal(text, "{\"data\":{},\"datacontenttype\":\"application/json\","
                              "\"dataschema\":\"usher/1\",\"id\":\"ledger:x\",\"seq\":7,"
                              "\"source\":\"ledger\",\"specversion\":\"1.0\","
                              "\"time\":\"2026-11-23T10:00:00Z\",\"type\":\"member.joined\"}");
    free(text);
    json_decref(tree);
}

static void half_formed_events_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum fault expected;
    } rows[] = {
        {"{\"id\":\"a:1\",\"type\":\"t\"}", OK},
        {"{\"id\":\"a:1\",\"type\":\"t\",\"later\":[1]}", OK},
        {"{\"id\":\"a:1\"}", FAULT_MALFORMED},
        {"{\"type\":\"t\"}", FAULT_MALFORMED},
        {"{\"id\":\"\",\"type\":\"t\"}", FAULT_MALFORMED},
        {"{\"id\":1,\"type\":\"t\"}", FAULT_MALFORMED},
        {"{\"id\":\"a:1\",\"type\":\"t\",\"time\":\"now\"}", FAULT_MALFORMED},
        {"{\"id\":\"a:1\",\"type\":\"t\",\"dataschema\":0}", FAULT_MALFORMED},
        {"{\"id\":\"a\\u0000b\",\"type\":\"t\"}", FAULT_MALFORMED},
        {"[]", FAULT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *tree = json_loads(rows[i].json, JSON_ALLOW_NUL, NULL);
        struct buf bytes = {0};
        struct event event;
        value_pack(tree, &bytes);
        assert_int_equal(event_parse(bytes.bytes, bytes.len, &event), rows[i].expected);
        buf_fini(&bytes);
        json_decref(tree);
    }
    struct event event = {0};
    struct buf bytes = {0};
    char long_id[EVENT_ID_BYTES_MAX + 2];
    memset(long_id, 'x', sizeof long_id);
    value_put_map(&bytes, 2);
    value_put_text(&bytes, "id");
    value_put_string(&bytes, long_id, EVENT_ID_BYTES_MAX + 1);
    value_put_text(&bytes, "type");
    value_put_text(&bytes, "t");
    assert_int_equal(event_parse(bytes.bytes, bytes.len, &event), FAULT_TOO_LARGE);
    buf_fini(&bytes);
}

static void every_type_is_once_in_the_table(void **state)
{
    (void)state;
    bool seen[EVENT_TYPE_NUMBER_MAX + 1] = {false};
    for (size_t i = 0; event_type_nth(i); i++) {
        const struct event_type *type = event_type_nth(i);
        assert_in_range(type->number, 1, EVENT_TYPE_NUMBER_MAX);
        assert_false(seen[type->number]);
        seen[type->number] = true;
        assert_ptr_equal(event_type_find(type->name), type);
        assert_ptr_equal(event_type_at(type->number), type);
        bool published = false;
        for (size_t r = 0; rights_nth(r); r++) {
            published = published || rights_publish(rights_nth(r), type);
        }
        assert_true(published); /* somebody may publish it */
    }
    assert_null(event_type_find("payment.imagined"));
}

static void rights_follow_the_table(void **state)
{
    (void)state;
    const struct rights *crm = rights_of("crm"), *webhook = rights_of("webhook");
    const struct rights *person = rights_of("people/ada");
    assert_true(rights_publish(crm, event_type_find("job.done")));
    assert_false(rights_publish(crm, event_type_find("member.joined")));
    assert_false(rights_publish(crm, NULL));
    assert_true(rights_publish(rights_of("alert"), event_type_find("alert.raised")));
    assert_true(rights_publish(rights_of("alert"), event_type_find("job.done"))); /* its hooks */
    assert_false(rights_publish(crm, event_type_find("alert.raised")));
    assert_true(rights_read(crm, "member.joined"));
    assert_false(rights_read(crm, "payment.succeeded"));
    assert_false(rights_read(webhook, "member.joined"));
    assert_false(crm->asks);
    assert_true(person->asks);
    assert_true(rights_publish(person, event_type_find("admin.granted")));
    assert_null(rights_of("nobody"));
    assert_null(rights_of("people/"));
    assert_true(rights_id(crm, "crm:done:1"));
    assert_false(rights_id(crm, "stripe:evt_1"));
    assert_false(rights_id(crm, "crm:"));
    assert_false(rights_id(crm, "crm"));
    assert_true(rights_id(webhook, "stripe:evt_1"));
    assert_false(rights_id(webhook, "ledger:x"));
    assert_true(rights_id(person, "tools:1"));
}

static void topics_match(void **state)
{
    (void)state;
    assert_true(topic_matches("*", "a.b"));
    assert_true(topic_matches("a.*", "a.b"));
    assert_true(topic_matches("a.b", "a.b"));
    assert_false(topic_matches("a.*", "ab.c"));
    assert_false(topic_matches("a.b", "a.bc"));
}

static void facts_go_both_ways(void **state)
{
    (void)state;
    struct fact fact = {.kind = FACT_PAYMENT,
                        .key = "in_1",
                        .status = "paid",
                        .customer = "cus_1",
                        .amount = 2900,
                        .currency = "usd",
                        .at_ms = 5,
                        .final = true},
                back;
    struct buf bytes = {0};
    fact_pack(&fact, &bytes);
    json_t *tree, *other = fact_tree(&fact);
    assert_int_equal(value_unpack(bytes.bytes, bytes.len, &tree), OK);
    assert_true(json_equal(tree, other));
    assert_int_equal(fact_read(tree, &back), OK);
    assert_int_equal(back.kind, FACT_PAYMENT);
    assert_string_equal(back.key, "in_1");
    assert_string_equal(back.email, "");
    assert_int_equal(back.amount, 2900);
    assert_true(back.final);
    assert_false(back.deleted);
    json_decref(other);
    json_decref(tree);
    buf_fini(&bytes);
    static const char *const wrong[] = {
        "{}",
        "{\"kind\":\"payment\"}",
        "{\"kind\":\"gift\",\"key\":\"a\"}",
        "{\"kind\":\"link\",\"key\":\"a\",\"object\":1}",
        "{\"kind\":\"link\",\"key\":\"a\",\"at_ms\":\"1\"}",
        "[]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        json_t *bad = json_loads(wrong[i], 0, NULL);
        assert_int_equal(fact_read(bad, &back), FAULT_MALFORMED);
        json_decref(bad);
    }
}

static void headers_go_both_ways(void **state)
{
    (void)state;
    struct buf bytes = {0};
    struct wire_header header;
    int64_t number;
    char text[8];
    wire_header_begin(&bytes, WIRE_HELLO, 42, 2);
    value_put_text(&bytes, "crm");
    value_put_int(&bytes, WIRE_VERSION);
    assert_int_equal(wire_parse(bytes.bytes, bytes.len, &header), OK);
    assert_int_equal(header.verb, WIRE_HELLO);
    assert_int_equal(header.request, 42);
    assert_true(wire_text(&header, 0, text, sizeof text));
    assert_string_equal(text, "crm");
    assert_false(wire_text(&header, 0, text, 3));
    assert_true(wire_int(&header, 1, &number) && number == WIRE_VERSION);
    assert_false(wire_int(&header, 2, &number));
    assert_false(wire_int(&header, 0, &number));
    for (size_t cut = 0; cut < bytes.len; cut++) {
        assert_int_equal(wire_parse(bytes.bytes, cut, &header), FAULT_MALFORMED);
    }
    buf_fini(&bytes);
    static const char *const wrong[] = {"[]",
                                        "[\"HELLO\"]",
                                        "[\"HALLO\",1]",
                                        "[\"HELLO\",\"1\"]",
                                        "{}",
                                        "[\"READ\",1,1,1,1,1,1,1,1,1,1]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        json_t *bad = json_loads(wrong[i], 0, NULL);
        struct buf packed = {0};
        value_pack(bad, &packed);
        assert_int_equal(wire_parse(packed.bytes, packed.len, &header), FAULT_MALFORMED);
        buf_fini(&packed);
        json_decref(bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_go_both_ways),
        cmocka_unit_test(json_is_cloudevents),
        cmocka_unit_test(half_formed_events_are_refused),
        cmocka_unit_test(every_type_is_once_in_the_table),
        cmocka_unit_test(rights_follow_the_table),
        cmocka_unit_test(topics_match),
        cmocka_unit_test(facts_go_both_ways),
        cmocka_unit_test(headers_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
