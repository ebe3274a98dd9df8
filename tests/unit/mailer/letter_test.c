/* letter_test.c - a mail from a template and a member: hostile names and addresses, and what the
 * same job gives twice. */
#include "../test.h"

#include "letter.h"

struct fixture {
    char *home;
    struct settings *settings;
    struct letterhead head;
    struct template template;
    json_t *payload;
    struct jobs_view view;
};

static int set_up(void **state)
{
    static const struct setting *const tables[] = {letter_settings, signing_settings, NULL};
    static const char words[] = "Subject: Welcome, {{name|friend}}!\n\nHello {{name|friend}}\n";
    static const char html[] = "<p>Hello {{name|friend}}</p>\n";
    struct fixture *f = calloc(1, sizeof *f);
    struct buf why = {0};
    f->home = test_folder();
    test_write_file(f->home, "usher.cfg",
                    "mailer\n    from = \"Club <hello@example.com>\"\n"
                    "    unsubscribe_url = \"https://hooks.example.com//\"\n");
    assert_int_equal(settings_load(f->home, "usher.cfg", tables, &f->settings, &why), OK);
    assert_int_equal(letterhead_open(f->settings, false, &f->head, &why), OK);
    assert_int_equal(
        template_parse("x", words, strlen(words), html, strlen(html), &f->template, &why), OK);
    f->payload = json_object();
    f->view = (struct jobs_view){.key = "welcome:mem_1",
                                 .kind = "welcome",
                                 .job = {.created_ms = INT64_C(1790000000000)},
                                 .payload = f->payload};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    template_fini(&f->template);
    letterhead_close(&f->head);
    settings_destroy(&f->settings);
    json_decref(f->payload);
    test_rm_folder(&f->home);
    free(f);
    return 0;
}

static json_t *letter(struct fixture *f, const char *name)
{
    enum fault fault = OK;
    tree_set_text(f->payload, "name", name);
    json_t *letter = letter_write(&f->head, &f->template, &f->view, "ada@example.org", &fault);
    assert_int_equal(fault, OK);
    assert_non_null(letter);
    return letter;
}

/* Header lines of the message: the same names for whatever stands in the values. */
static void header_names(const char *message, struct buf *out)
{
    for (const char *at = message; strncmp(at, "\r\n", 2) != 0; at = strstr(at, "\r\n") + 2) {
        if (*at != ' ') {
            buf_add(out, at, strcspn(at, ":") + 1);
        }
    }
}

static void bad_names_are_left_out_and_the_mail_goes(void **state)
{
    struct fixture *f = *state;
    char endless[10 * 1024 + 1];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    const char *const bad[] = {"Eve\r\nBcc: victim@example.com",
                               "Eve\nX: y",
                               "Eve\rX: y",
                               "\r\n\r\nbody",
                               "tab\there",
                               "bell\x07",
                               "del\x7f",
                               "next line\xc2\x85",
                               "around \xe2\x80\xae moc.elpmaxe@live",
                               "isolate \xe2\x81\xa6x",
                               endless};
    json_t *nameless = letter(f, "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *one = letter(f, bad[i]);
        if (!json_equal(one, nameless)) {
            fail_msg("row %zu: not left out", i);
        }
        json_decref(one);
    }
    json_decref(nameless);
}

static void odd_names_stay_names(void **state)
{
    struct fixture *f = *state;
    static const char *const odd[] = {"Ada \"the Countess\" King",
                                      "back\\slash",
                                      "<b>Ada</b>",
                                      "a@b.c",
                                      "Ada, King",
                                      "=?UTF-8?B?QmNjOg==?=",
                                      "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
                                      "\xf0\x9f\x98\x80",
                                      "{{email}}",
                                      "Zo\xc3\xab",
                                      "(comment)",
                                      "; ,:<>@[]"};
    struct buf wanted = {0};
    json_t *first = letter(f, "Ada");
    header_names(tree_text(first, "message"), &wanted);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        json_t *one = letter(f, odd[i]);
        struct buf names = {0};
        header_names(tree_text(one, "message"), &names);
        assert_string_equal(buf_text(&names), buf_text(&wanted));
        assert_non_null(strstr(tree_text(one, "subject"), odd[i]));
        assert_string_equal(tree_text(one, "to"), "ada@example.org");
        buf_fini(&names);
        json_decref(one);
    }
    json_decref(first);
    buf_fini(&wanted);
}

static void the_same_job_gives_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    json_t *one = letter(f, "Ada");
    json_t *two = letter(f, "Ada");
    assert_true(json_equal(one, two));
    assert_int_equal(strlen(tree_text(one, "mark")), 32);
    assert_memory_equal(tree_text(one, "id"), tree_text(one, "mark"), 32);
    assert_string_equal(tree_text(one, "sender"), "\"Club\" <hello@example.com>");
    assert_string_equal(tree_text(one, "receiver"), "\"Ada\" <ada@example.org>");
    json_decref(two);
    f->view.key = "welcome:mem_2";
    two = letter(f, "Ada");
    assert_string_not_equal(tree_text(one, "mark"), tree_text(two, "mark"));
    json_decref(one);
    json_decref(two);
}

static void only_what_is_not_transactional_can_be_left(void **state)
{
    struct fixture *f = *state;
    json_t *one = letter(f, "Ada");
    assert_null(strstr(tree_text(one, "message"), "List-Unsubscribe"));
    assert_int_equal(json_object_size(tree_get(one, "headers")), 1);
    json_decref(one);
    f->template.transactional = false;
    one = letter(f, "Ada");
    const char *field = tree_text(tree_get(one, "headers"), "List-Unsubscribe");
    static const char begin[] = "<https://hooks.example.com/api/unsubscribe/";
    assert_memory_equal(field, begin, sizeof begin - 1);
    assert_int_equal(strlen(field), sizeof begin - 1 + UNSUBSCRIBE_TOKEN_CHARS + 1);
    assert_non_null(strstr(tree_text(one, "message"), field));
    assert_non_null(strstr(tree_text(one, "message"),
                           "\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    json_decref(one);
}

static void an_address_that_mail_cannot_go_to_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",          "ada",           "a@b\r\nBcc: x@y.z", "a b@c.d",
                                      "\"a\"@b.c", "a@\xd7\xa9.il", "a@b.c,d@e.f",       "<a@b.c>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        enum fault fault = OK;
        assert_null(letter_write(&f->head, &f->template, &f->view, bad[i], &fault));
        assert_int_equal(fault, FAULT_MALFORMED);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_names_are_left_out_and_the_mail_goes),
        TEST(odd_names_stay_names),
        TEST(the_same_job_gives_the_same_bytes),
        TEST(only_what_is_not_transactional_can_be_left),
        TEST(an_address_that_mail_cannot_go_to_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
