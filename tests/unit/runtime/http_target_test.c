/* http_target_test.c - what a target's file says, and what is sent and understood because of it. */
#include "../test.h"

#include "http_target.h"

#include <sys/stat.h>

static const char usual_body[] = "{\"email\": {{email}}, \"tags\": {{tags}}}";

struct fixture {
    char *home;
    json_t *sample;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char path[300];
    f->home = test_folder();
    snprintf(path, sizeof path, "%s/targets", f->home);
    assert_int_equal(mkdir(path, 0700), 0);
    f->sample = json_pack("{s:s, s:s, s:i, s:b, s:[s]}", "email", "\"\\", "contact", "\"",
                          "version", 0, "access", 1, "tags", "\"");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    json_decref(f->sample);
    test_rm_folder(&f->home);
    free(f);
    return 0;
}

static struct http_target *load(struct fixture *f, const char *file, const char *text,
                                struct buf *why)
{
    struct http_target *target = NULL;
    struct http_target_use use = {.home = f->home,
                                  .file = file,
                                  .url = "https://hook.example/usual",
                                  .url_from = "usher.cfg: crm/url",
                                  .body = usual_body,
                                  .sample = f->sample};
    if (text) {
        test_write_file(f->home, "targets/x.cfg", text);
    }
    enum fault fault = http_target_load(&use, &target, why);
    assert_int_equal(fault, target ? OK : FAULT_CONFIG);
    assert_true(target ? why->len == 0 : why->len > 0);
    return target;
}

static struct http_target *loaded(struct fixture *f, const char *text)
{
    struct buf why = {0};
    struct http_target *target = load(f, "targets/x.cfg", text, &why);
    if (!target) {
        fail_msg("%s", buf_text(&why));
    }
    buf_fini(&why);
    return target;
}

/* What is sent for these values: method, URL, headers (without the time) and body. */
static char *sent(struct http_target *target, const json_t *values)
{
    struct http_message message = {
        .id = "msg_1", .secrets = "", .key = "k1", .now_ms = 5000, .values = values};
    struct call call = {0};
    struct buf out = {0};
    enum fault fault = http_target_call(target, &message, &call);
    if (fault != OK) {
        buf_printf(&out, "fault %s", fault_name(fault));
    } else {
        buf_printf(&out, "%s %s\n%s%s", call.method, buf_text(&call.url), buf_text(&call.headers),
                   buf_text(&call.body));
    }
    char *text = strdup(buf_text(&out));
    buf_fini(&out);
    call_fini(&call);
    return text;
}

static void without_a_file_all_is_as_usual(void **state)
{
    struct fixture *f = *state;
    struct buf why = {0};
    struct http_target *target = load(f, "", NULL, &why);
    json_t *values = json_pack("{s:s, s:[ss]}", "email", "a@b.c", "tags", "x", "y\"");
    char *text = sent(target, values);
    assert_string_equal(text, "POST https://hook.example/usual\nContent-Type: application/json\n"
                              "webhook-id: msg_1\n"
                              "{\"email\": \"a@b.c\", \"tags\": [\"x\",\"y\\\"\"]}");
    free(text);
    json_decref(values);
    http_target_destroy(&target);
    buf_fini(&why);
}

static void a_file_says_how(void **state)
{
    struct fixture *f = *state;
    test_write_file(f->home, "targets/x.json",
                    "{\n  \"note\": \"is {{email}}: {{access}}, {{tags}}\",\n"
                    "  \"who\": {{contact|nobody}}, \"version\": {{version}}\n}\n");
    struct http_target *target =
        loaded(f, "target\n"
                  "    method = PUT\n"
                  "    url = \"https://crm.example/c/{{contact}}?t={{tags}}\"\n"
                  "    body = x.json\n"
                  "    header\n"
                  "        name = Authorization\n"
                  "        value = \"Bearer {{key}}\"\n"
                  "    header\n"
                  "        name = X-Mail\n"
                  "        value = \"{{email}}!\"\n"
                  "    header\n"
                  "        name = content-type\n"
                  "        value = \"application/vnd.x+json\"\n");
    json_t *values =
        json_pack("{s:s, s:s, s:i, s:b, s:[ss]}", "email", "a\"\r\nX-Evil: 1", "contact", "../1?&",
                  "version", 7, "access", 0, "tags", "x y", "{{key}}");
    char *text = sent(target, values);
    assert_string_equal(text, "PUT https://crm.example/c/..%2F1%3F%26?t=x%20y%2C%7B%7Bkey%7D%7D\n"
                              "Authorization: Bearer k1\nX-Mail: a\"  X-Evil: 1!\n"
                              "content-type: application/vnd.x+json\n"
                              "webhook-id: msg_1\n"
                              "{\n  \"note\": \"is a\\\"\\r\\nX-Evil: 1: false, x y,{{key}}\",\n"
                              "  \"who\": \"../1?&\", \"version\": 7\n}\n");
    free(text);
    tree_set(values, "contact", json_string(""));
    text = sent(target, values);
    assert_non_null(strstr(text, "\"who\": \"nobody\""));
    free(text);
    json_decref(values);
    http_target_destroy(&target);
}

static void a_get_has_no_body(void **state)
{
    struct fixture *f = *state;
    struct http_target *target = loaded(f, "target\n    method = GET\n");
    char *text = sent(target, f->sample);
    assert_string_equal(text, "GET https://hook.example/usual\nwebhook-id: msg_1\n");
    free(text);
    http_target_destroy(&target);
}

static void mistakes_are_told_with_file_and_line(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *body, *words;
    } rows[] = {
        {"target\n    url = \"http://hook.example/\"\n", "", "targets/x.cfg:2: url: http://"},
        {"target\n    url = \"https://{{email}}/x\"\n", "", "targets/x.cfg:2: url: a placeholder"},
        {"target\n    url = \"https://a.b/{{mail}}\"\n", "",
         "targets/x.cfg:2: unknown placeholder \"mail\"; expected one of email, contact"},
        {"target\n    url = \"https://a.b/{{email\"\n", "", "targets/x.cfg:2: \"{{\" without"},
        {"target\n    url = \"file:secrets/none\"\n", "", "targets/x.cfg:2: target/url: "},
        {"target\n    method = HEAD\n", "", "targets/x.cfg:2: target/method: expected one of"},
        {"target\n    verb = GET\n", "", "targets/x.cfg:2: target/verb: unknown setting"},
        {"targets\n    method = GET\n", "", "targets/x.cfg:1: there is no section \"targets\""},
        {"target\n   method = GET\n", "", "targets/x.cfg:2: indent"},
        {"target\n    body = ../x.json\n", "", "targets/x.cfg:2: body: expected the name"},
        {"target\n    body = none.json\n", "", "targets/none.json:1: "},
        {"target\n    body = x.json\n", "{\n\"a\": {{email}},\n}",
         "targets/x.json:3: expected JSON"},
        {"target\n    body = x.json\n", "{\n\"a\":\n{{emial}}}",
         "targets/x.json:3: unknown placeholder"},
        {"target\n    body = x.json\n", "{\"a\": \"\\{{email}}\"}",
         "targets/x.json:1: a backslash"},
        {"target\n    body = x.json\n", "{\"a\": \"{{#email}}\"}", "targets/x.json:1: sections"},
        {"target\n    body = x.json\n", "{\"a\": {{email}}", "targets/x.json:1: expected JSON"},
        {"target\n    body = x.json\n", "", "targets/x.json:1: expected JSON"},
        {"target\n    header\n        name = \"X Y\"\n", "",
         "targets/x.cfg:3: name: expected the name"},
        {"target\n    header\n        name = A\n        value = b\n    header\n"
         "        name = Webhook-Signature\n",
         "", "targets/x.cfg:6: name: this header is set by usher"},
        {"target\n    header\n        name = A\n        value = \"{{no}}\"\n", "",
         "targets/x.cfg:4: unknown placeholder \"no\""},
        {"target\n    answers\n        done = \"2xx\"\n", "",
         "targets/x.cfg:3: done: expected status"},
        {"target\n    answers\n        done = \"200-299\"\n        never = \"204\"\n", "",
         "targets/x.cfg:4: never: a code that stands in another list"},
        {"target\n    answers\n        again = \"600\"\n", "", "from 100 to 599"},
        {"target\n    answers\n        again = \"299-200\"\n", "",
         "targets/x.cfg:3: again: expected"},
        {"target\n    answers\n        id = \".a\"\n", "", "targets/x.cfg:3: id: expected names"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf why = {0};
        test_write_file(f->home, "targets/x.json", rows[i].body);
        struct http_target *target = load(f, "targets/x.cfg", rows[i].text, &why);
        if (target || !strstr(buf_text(&why), rows[i].words)) {
            fail_msg("row %zu: %s", i, buf_text(&why));
        }
        buf_fini(&why);
    }
}

static void no_file_from_elsewhere(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {"/etc/passwd", "../x.cfg", "targets/../x.cfg",
                                        "x.cfg",       "targets/", "targets/none.cfg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct buf why = {0};
        assert_null(load(f, files[i], NULL, &why));
        buf_fini(&why);
    }
}

static void answers_mean_what_the_file_says(void **state)
{
    struct fixture *f = *state;
    struct http_target *target = loaded(f, "target\n"
                                           "    answers\n"
                                           "        done = \"409\"\n"
                                           "        again = \"404, 423\"\n"
                                           "        never = \"410 503\"\n"
                                           "        refused = \"403\"\n"
                                           "        path = \"result.0.status\"\n"
                                           "        value = true\n"
                                           "        id = \"result.0.contact.id\"\n");
    static const struct {
        int status;
        const char *body;
        enum verdict_kind kind;
        int64_t hold_ms;
        const char *id;
    } rows[] = {
        {200, "{\"result\":[{\"status\":true,\"contact\":{\"id\":77}}]}", VERDICT_DONE, 0, "77"},
        {409, "{\"result\":[{\"status\":\"true\",\"contact\":{\"id\":\"c1\"}}]}", VERDICT_DONE, 0,
         "c1"},
        {200, "{\"result\":[{\"status\":false}]}", VERDICT_AGAIN, 0, ""},
        {200, "{\"result\":[]}", VERDICT_AGAIN, 0, ""},
        {200, "{\"result\":{\"0\":7}}", VERDICT_AGAIN, 0, ""},
        {200, "<html>", VERDICT_AGAIN, 0, ""},
        {200, "", VERDICT_AGAIN, 0, ""},
        {404, "", VERDICT_AGAIN, 0, ""},
        {410, "", VERDICT_NEVER, 0, ""},
        {503, "", VERDICT_NEVER, 0, ""},
        {403, "", VERDICT_AGAIN, HTTP_TARGET_REFUSED_MS, ""},
        {401, "", VERDICT_AGAIN, HTTP_TARGET_REFUSED_MS, ""},
        {422, "", VERDICT_NEVER, 0, ""},
        {429, "", VERDICT_AGAIN, 0, ""},
        {500, "", VERDICT_AGAIN, 0, ""},
        {302, "", VERDICT_NEVER, 0, ""},
        {999, "", VERDICT_AGAIN, 0, ""},
        {0, "", VERDICT_AGAIN, 0, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {.fault = rows[i].status ? OK : FAULT_TIMEOUT,
                                .status = rows[i].status,
                                .sent = true,
                                .body = rows[i].body,
                                .len = strlen(rows[i].body),
                                .words = ""};
        struct verdict verdict = {0};
        struct buf id = {0};
        http_target_verdict(target, &answer, &verdict, &id);
        if (verdict.kind != rows[i].kind || verdict.hold_ms != rows[i].hold_ms ||
            strcmp(buf_text(&id), rows[i].id) != 0) {
            fail_msg("row %zu: %d, \"%s\", id %s", i, (int)verdict.kind, verdict.words,
                     buf_text(&id));
        }
        buf_fini(&id);
    }
    http_target_destroy(&target);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_a_file_all_is_as_usual),
        TEST(a_file_says_how),
        TEST(a_get_has_no_body),
        TEST(mistakes_are_told_with_file_and_line),
        TEST(no_file_from_elsewhere),
        TEST(answers_mean_what_the_file_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
