/* Every body in tests/fixtures/stripe becomes the facts that stand beside it, written by hand. The
 * same for whole events of another project in the shape before basil, where that folder is there. */
#include "json_tape.h"
#include "stripe_facts.h"
#include "values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    enum { ROOM = 1 << 20 };
    char *text = malloc(ROOM);
    assert_non_null(text);
    *len = fread(text, 1, ROOM - 1, file);
    text[*len] = '\0';
    fclose(file);
    return text;
}

static json_t *as_tree(const struct translation *translation)
{
    json_t *tree = json_object();
    tree_set_text(tree, "id", translation->id);
    tree_set_text(tree, "type", translation->type);
    tree_set_text(tree, "provider_type", translation->provider_type);
    tree_set_text(tree, "ignored", translation->ignored);
    json_t *facts = json_array();
    for (size_t i = 0; i < translation->fact_count; i++) {
        json_array_append_new(facts, fact_tree(&translation->facts[i]));
    }
    tree_set(tree, "facts", facts);
    return tree;
}

static void compare(const char *body_path, const char *facts_path)
{
    json_error_t error;
    json_t *expected = json_load_file(facts_path, 0, &error);
    if (!expected) {
        fail_msg("%s:%d: %s", facts_path, error.line, error.text);
    }
    json_t *words = json_object_get(expected, "rules");
    struct provider_rules rules = {.live = strcmp(tree_text(words, "mode"), "live") == 0,
                                   .products = tree_text(words, "products"),
                                   .app_user_keys = "user_id app_user userId"};
    size_t len;
    char *body = read_file(body_path, &len);
    assert_non_null(body);
    struct tape tape = {0};
    struct translation translation;
    assert_int_equal(tape_parse(&tape, body, len), OK);
    assert_int_equal(stripe_facts(&tape, &rules, &translation), OK);
    json_t *found = as_tree(&translation);
    json_object_del(expected, "why");
    if (words) {
        json_object_del(expected, "rules");
    }
    if (!json_equal(found, expected)) {
        char *is = json_dumps(found, JSON_INDENT(2) | JSON_SORT_KEYS);
        char *should = json_dumps(expected, JSON_INDENT(2) | JSON_SORT_KEYS);
        fail_msg("%s\n--- is\n%s\n--- should be\n%s", body_path, is, should);
    }
    json_decref(found);
    json_decref(expected);
    tape_fini(&tape);
    free(body);
}

/* Compares BODIES/<name>.json with each FACTS/<name>.facts.json; how many there were. */
static size_t compare_all(const char *facts, const char *bodies)
{
    static const char ending[] = ".facts.json";
    size_t count = 0;
    DIR *folder = opendir(facts);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char *end = strstr(entry->d_name, ending);
        if (end) {
            char body_path[4096], facts_path[4096];
            snprintf(facts_path, sizeof facts_path, "%s/%s", facts, entry->d_name);
            snprintf(body_path, sizeof body_path, "%s/%.*s.json", bodies,
                     (int)(end - entry->d_name), entry->d_name);
            compare(body_path, facts_path);
            count++;
        }
    }
    closedir(folder);
    return count;
}

static void test_own_bodies(void **state)
{
    (void)state;
    const char *folder = USHER_SOURCE "/tests/fixtures/stripe";
    assert_true(compare_all(folder, folder) >= 60);
}

static void test_bodies_of_another_project(void **state)
{
    (void)state;
    const char *bodies = USHER_SOURCE "/../shared/specs/stripe/sync-engine-events";
    DIR *folder = opendir(bodies);
    if (!folder) {
        skip();
    }
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        count += strstr(entry->d_name, ".json") != NULL;
    }
    closedir(folder);
    /* none without an expectation, and none expected that is not there */
    assert_int_equal(compare_all(USHER_SOURCE "/tests/fixtures/stripe/sync-engine", bodies), count);
}

static enum fault translate(const char *body, struct translation *out)
{
    static struct tape tape;
    static const struct provider_rules rules = {.products = "", .app_user_keys = ""};
    enum fault fault = tape_parse(&tape, body, strlen(body));
    return fault != OK ? fault : stripe_facts(&tape, &rules, out);
}

static void test_what_is_not_an_event(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{}",
        "[]",
        "1",
        "null",
        "{\"id\":\"evt_1\"}",
        "{\"type\":\"invoice.paid\"}",
        "{\"id\":1,\"type\":\"invoice.paid\"}",
        "{\"id\":\"\",\"type\":\"invoice.paid\"}",
        "{\"id\":\"evt 1\",\"type\":\"invoice.paid\"}",
        "{\"id\":\"evt\\u00001\",\"type\":\"invoice.paid\"}",
        "{\"id\":\"evt_1\",\"type\":\"invoice.paid\",\"type\":\"payout.paid\"}",
        "{\"id\":\"evt_1\",\"id\":\"evt_2\",\"type\":\"invoice.paid\"}",
    };
    struct translation out;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (translate(bodies[i], &out) != FAULT_MALFORMED) {
            fail_msg("taken: %s", bodies[i]);
        }
    }
    char long_id[400] = "{\"type\":\"a\",\"id\":\"";
    memset(long_id + strlen(long_id), 'x', 201);
    strcat(long_id, "\"}");
    assert_int_equal(translate(long_id, &out), FAULT_MALFORMED);
    assert_int_equal(translate("{\"id\":\"evt_1\",\"type\":\"a\"}", &out), OK);
    assert_string_equal(out.type, "provider.ignored");
    assert_int_equal(out.fact_count, 0);
}

static void test_facts_are_bounded(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_add_text(&body, "{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"invoice.paid\",\"data\":"
                        "{\"object\":{\"id\":\"in_1\",\"payments\":{\"data\":[");
    for (int i = 0; i < 100; i++) {
        buf_printf(&body, "%s{\"payment\":{\"payment_intent\":\"pi_%d\"}}", i ? "," : "", i);
    }
    buf_add_text(&body, "]}}}}");
    struct translation out;
    assert_int_equal(translate(buf_text(&body), &out), OK);
    assert_int_equal(out.fact_count, FACTS_MAX);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_bodies),
        cmocka_unit_test(test_bodies_of_another_project),
        cmocka_unit_test(test_what_is_not_an_event),
        cmocka_unit_test(test_facts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
