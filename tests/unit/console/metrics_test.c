/* metrics_test.c - the text of /metrics, from trees; the dashboard and the alerting rules name
 * nothing that is not in it. */
#include "test.h"

#include "buf.h"
#include "home.h"
#include "metrics.h"
#include "must.h"

#include <ctype.h>

enum { FILE_BYTES_MAX = 1 << 20, NAME_BYTES_MAX = 100 };

/* Takes both trees. The text is yours to free. */
static char *text_of(json_t *status, json_t *console)
{
    struct buf out = {0};
    metrics_text(status, console, &out);
    char *text = must_strdup(buf_text(&out));
    buf_fini(&out);
    json_decref(status);
    json_decref(console);
    return text;
}

static json_t *tree(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    if (!value) {
        print_message("%s: %s\n", text, error.text);
    }
    assert_non_null(value);
    return value;
}

/* `line` stands in `text` as a whole line. */
static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at += len) {
        if ((at == text || at[-1] == '\n') && at[len] == '\n') {
            return true;
        }
    }
    return false;
}

/* --- lines ------------------------------------------------------------------------------------- */

#define PEER(name, rest) "{\"peers\":[{\"name\":\"" name "\"," rest "}]}"

static const struct {
    const char *what, *status, *console, *line;
    bool absent;
} rows[] = {
    {"a number", "{\"head\":7}", "{}", "usher_journal_events_total 7", false},
    {"seconds of milliseconds", "{\"uptime_ms\":1500}", "{}", "usher_broker_uptime_seconds 1.500",
     false},
    {"a flag", "{\"full\":true}", "{}", "usher_journal_full 1", false},
    {"beyond 32 bits", "{\"bytes\":81339265024}", "{}", "usher_journal_size_bytes 81339265024",
     false},
    {"of the door", "{\"counts\":{\"duplicates\":3}}", "{}", "usher_broker_duplicates_total 3",
     false},
    {"by fault", "{\"counts\":{\"refused\":{\"full\":2}}}", "{}",
     "usher_broker_refused_total{fault=\"full\"} 2", false},
    {"of the console", "{}", "{\"with_access\":4}", "usher_members_with_access 4", false},
    {"by state", "{}", "{\"by_state\":{\"active\":4}}",
     "usher_members_by_state{state=\"active\"} 4", false},
    {"an actor that is not there", PEER("crm", "\"connected\":false"), "{}",
     "usher_actor_up{actor=\"crm\"} 0", false},
    {"its age still counts", PEER("crm", "\"connected\":false,\"oldest_ms\":61000"), "{}",
     "usher_actor_lag_seconds{actor=\"crm\"} 61.000", false},
    {"its report is of before", PEER("crm", "\"connected\":false,\"report\":{\"outbox\":5}"), "{}",
     "usher_actor_outbox_events{actor=\"crm\"} 5", true},
    {"a report", PEER("crm", "\"connected\":true,\"report\":{\"outbox\":5}"), "{}",
     "usher_actor_outbox_events{actor=\"crm\"} 5", false},
    {"jobs", PEER("crm", "\"connected\":true,\"report\":{\"jobs\":{\"dead\":2}}"), "{}",
     "usher_jobs{actor=\"crm\",state=\"dead\"} 2", false},
    {"jobs are on disk", PEER("crm", "\"connected\":false,\"report\":{\"jobs\":{\"dead\":2}}"),
     "{}", "usher_jobs{actor=\"crm\",state=\"dead\"} 2", false},
    {"a target's state", PEER("crm", "\"report\":{\"targets\":{\"crm\":\"refused\"}}"), "{}",
     "usher_target_state{actor=\"crm\",target=\"crm\",state=\"refused\"} 1", false},
    {"and the others", PEER("crm", "\"report\":{\"targets\":{\"crm\":\"refused\"}}"), "{}",
     "usher_target_state{actor=\"crm\",target=\"crm\",state=\"fine\"} 0", false},
    {"deliveries", PEER("webhook", "\"report\":{\"refusals\":{\"own\":3}}"), "{}",
     "usher_webhook_refused_total{actor=\"webhook\",share=\"own\"} 3", false},
    {"a person who has gone home", PEER("people/ada", "\"connected\":false"), "{}",
     "usher_actor_up{actor=\"people/ada\"} 0", true},
    {"the tools", PEER("tools", "\"connected\":false"), "{}", "usher_actor_up{actor=\"tools\"} 0",
     true},
    {"a quote", PEER("a\\\"b", "\"connected\":true"), "{}", "usher_actor_up{actor=\"a\\\"b\"} 1",
     false},
    {"a backslash", PEER("a\\\\b", "\"connected\":true"), "{}",
     "usher_actor_up{actor=\"a\\\\b\"} 1", false},
    {"a line's end", PEER("a\\nb", "\"connected\":true"), "{}", "usher_actor_up{actor=\"a\\nb\"} 1",
     false},
    {"in a key, too", "{\"counts\":{\"refused\":{\"x\\\"} 9\\ny\":1}}}", "{}",
     "usher_broker_refused_total{fault=\"x\\\"} 9\\ny\"} 1", false},
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = text_of(tree(rows[i].status), tree(rows[i].console));
        if (has_line(text, rows[i].line) == rows[i].absent) {
            print_message("%s: %s\n%s", rows[i].what, rows[i].line, text);
        }
        assert_true(has_line(text, rows[i].line) != rows[i].absent);
        assert_true(has_line(text, "usher_broker_up 1"));
        free(text);
    }
}

static void test_broker_away(void **state)
{
    (void)state;
    char *text = text_of(NULL, tree("{\"members\":5,\"by_state\":{\"active\":5}}"));
    assert_true(has_line(text, "usher_broker_up 0"));
    assert_true(has_line(text, "usher_members 5"));
    assert_true(has_line(text, "usher_members_by_state{state=\"active\"} 5"));
    /* nothing of what only the broker knows, not even as 0 */
    for (const char *at = text; (at = strstr(at, "\nusher_")); at++) {
        assert_true(strncmp(at, "\nusher_broker_up ", 17) == 0 ||
                    strncmp(at, "\nusher_members", 14) == 0);
    }
    free(text);
}

/* --- families ---------------------------------------------------------------------------------- */

/* Two actors that report everything there is; the broker and the console, too. */
static char *whole_text(void)
{
    enum { BROKER, DOOR, PEER, REPORT, CONSOLE, WHERES };
    json_t *trees[WHERES];
    for (int i = 0; i < WHERES; i++) {
        trees[i] = json_object();
    }
#define X(where, key, name, type, divisor, help)                                                   \
    json_object_set_new(trees[where], key, json_integer(1));
#include "metric_table.h"
#undef X
    json_object_set_new(trees[PEER], "connected", json_true());
    json_object_set_new(trees[DOOR], "refused", tree("{\"full\":1,\"busy\":2}"));
    json_object_set_new(trees[REPORT], "jobs", tree("{\"dead\":1,\"waiting\":2}"));
    json_object_set_new(trees[REPORT], "targets", tree("{\"a\":\"fine\",\"b\":\"down\"}"));
    json_object_set_new(trees[REPORT], "refusals", tree("{\"noise\":1,\"own\":2}"));
    json_object_set_new(trees[CONSOLE], "by_state", tree("{\"active\":1,\"ended\":2}"));
    json_object_set_new(trees[PEER], "report", trees[REPORT]);
    json_t *second = json_deep_copy(trees[PEER]);
    json_object_set_new(trees[PEER], "name", json_string("crm"));
    json_object_set_new(second, "name", json_string("mailer"));
    json_object_set_new(trees[BROKER], "peers", json_pack("[o,o]", trees[PEER], second));
    json_object_set_new(trees[BROKER], "counts", trees[DOOR]);
    return text_of(trees[BROKER], trees[CONSOLE]);
}

static size_t name_len(const char *at)
{
    size_t len = 0;
    while (isalnum((unsigned char)at[len]) || at[len] == '_') {
        len++;
    }
    assert_in_range(len, 1, NAME_BYTES_MAX);
    return len;
}

/* Each line after a head is of the family that the head names, and no family has two heads. */
static void test_families(void **state)
{
    (void)state;
    char *text = whole_text(), *rest = text, family[NAME_BYTES_MAX + 1] = "";
    json_t *seen = json_object();
    size_t samples = 0;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            snprintf(family, sizeof family, "%.*s", (int)name_len(line + 7), line + 7);
            if (json_object_get(seen, family)) {
                print_message("%s has two heads\n", family);
            }
            assert_null(json_object_get(seen, family));
            json_object_set_new(seen, family, json_true());
            assert_true(rest && strncmp(rest, "# TYPE ", 7) == 0);
        } else {
            const char *name = strncmp(line, "# TYPE ", 7) == 0 ? line + 7 : line;
            size_t len = name_len(name);
            assert_int_equal(len, strlen(family));
            assert_memory_equal(name, family, len);
            samples += name == line;
        }
    }
    assert_true(json_object_size(seen) > 40 && samples > json_object_size(seen));
    json_decref(seen);
    free(text);
}

/* --- who reads it ------------------------------------------------------------------------------ */

static void test_readers(void **state)
{
    (void)state;
    static const char *const files[] = {USHER_SOURCE "/ops/grafana/usher.json",
                                        USHER_SOURCE "/ops/prometheus/alerts.yml"};
    char *text = whole_text();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *file = NULL;
        size_t len, found = 0;
        assert_int_equal(home_read_file(files[i], FILE_BYTES_MAX, &file, &len), OK);
        for (const char *at = file; (at = strstr(at, "usher_")); at += strlen("usher_")) {
            char *head = must_sprintf("# TYPE %.*s ", (int)name_len(at), at);
            if (!strstr(text, head)) {
                print_message("%s: nobody makes %.*s\n", files[i], (int)name_len(at), at);
            }
            assert_non_null(strstr(text, head));
            free(head);
            found++;
        }
        assert_true(found >= 10);
        free(file);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_broker_away),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
