/* template_test.c - templates: mistakes are told with file and line; values cannot become markup. */
#include "../test.h"

#include "templates.h"
#include "values.h"

#include <sys/stat.h>

static enum fault parse(const char *text, const char *html, struct template *out, struct buf *why)
{
    return template_parse("welcome", text, strlen(text), html, html ? strlen(html) : 0, out, why);
}

static void expect_mistake(const char *text, const char *html, const char *words)
{
    struct template template;
    struct buf why = {0};
    assert_int_equal(parse(text, html, &template, &why), FAULT_CONFIG);
    if (!strstr(buf_text(&why), words)) {
        fail_msg("expected \"%s\" in \"%s\"", words, buf_text(&why));
    }
    buf_fini(&why);
}

static void expect_rendered(const struct template *template, enum template_part part,
                            const json_t *values, const char *expected)
{
    struct buf out = {0};
    assert_int_equal(template_render(template, part, values, &out), OK);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void mistakes_are_told_with_file_and_line(void **state)
{
    (void)state;
    expect_mistake("Subject: a\nTransactional: maybe\n\nx", NULL,
                   "welcome.txt:2: expected \"Transactional: no\", or yes");
    expect_mistake("Subject: a\nTransactional: no\nx", NULL, "welcome.txt:3: expected an empty");
    expect_mistake("Subject: a\nTransactional: no", NULL, "welcome.txt:2: expected an empty line");
    expect_mistake("Subject: a\nBcc: x@y.z\n\nx", NULL, "welcome.txt:2: expected an empty line");
    expect_mistake("Hello", NULL, "templates/welcome.txt:1: expected \"Subject: ...\"");
    expect_mistake("Subject: \n\nx", NULL, "welcome.txt:1: the subject is empty");
    expect_mistake("Subject: a\nx", NULL, "welcome.txt:2: expected an empty line");
    expect_mistake("Subject: a\n\nx\n{{nmae}}\n", NULL, "welcome.txt:4: unknown variable \"nmae\"");
    expect_mistake("Subject: a\n\n{{name\n}}", NULL, "welcome.txt:3: \"{{\" without \"}}\"");
    expect_mistake("Subject: a\n\nok", "<p>\n{{", "welcome.html:2: \"{{\" without");
    expect_mistake("Subject: a\n\nok", "\n\n{{x|y}}", "welcome.html:3: unknown variable \"x\"");
    expect_mistake("Subject: a\n\n\x01", NULL, "welcome.txt:3: a control character");
    expect_mistake("Subject: a\n\n\xff\xfe", NULL, "expected UTF-8");
    expect_mistake("", NULL, "welcome.txt:1:");
    expect_mistake("Subject: a\n\n{{#lnk}}", NULL, "welcome.txt:3: unknown variable \"lnk\"");
    expect_mistake("Subject: a\n\n{{#link}}\n", NULL, "welcome.txt:3: a section without its end");
    expect_mistake("Subject: {{#name}}\n\n{{/name}}", NULL, "txt:1: a section without its end");
    expect_mistake("Subject: {{#name}}\n\n{{/name}}", NULL, "txt:3: the end of a section that");
    expect_mistake("Subject: a\n\n{{#link}}\n{{/name}}", NULL, "txt:4: the end of a section");
    expect_mistake("Subject: a\n\n{{/link}}", NULL, "welcome.txt:3: the end of a section");
    expect_mistake("Subject: a\n\nok", "{{#link}}\n{{#name}}{{/name}}{{/link}}",
                   "welcome.html:2: a section within a section");
}

static void a_section_stays_where_there_is_a_value(void **state)
{
    (void)state;
    struct template template;
    struct buf why = {0};
    json_t *values = json_pack("{s:s}", "name", "Ada");
    assert_int_equal(
        parse("Subject: Hi{{#name}} {{name}}{{/name}}{{#link}} { {{name}}{{/link}}\n\n"
              "a\n\n{{#link}}\n{{link}}\n\n{{/link}}\nb{{#link}}, {{link}}{{/link}}.\n",
              "{{#name}}\n<p>{{#link}}\n", &template, &why),
        FAULT_CONFIG);
    buf_reset(&why);
    assert_int_equal(
        parse("Subject: Hi{{#name}} {{name}}{{/name}}{{#link}} { {{name}}{{/link}}\n\n"
              "a\n\n{{#link}}\n{{link}}\n\n{{/link}}\nb{{#link}}, {{link}}{{/link}}.\n",
              "{{#link}}\n<p>{{link}}</p>\n{{/link}}\n", &template, &why),
        OK);
    expect_rendered(&template, TEMPLATE_SUBJECT, values, "Hi Ada");
    expect_rendered(&template, TEMPLATE_TEXT, values, "a\n\nb.\n");
    expect_rendered(&template, TEMPLATE_HTML, values, "");
    tree_set_text(values, "link", "x&y");
    expect_rendered(&template, TEMPLATE_SUBJECT, values, "Hi Ada { Ada");
    expect_rendered(&template, TEMPLATE_TEXT, values, "a\n\nx&y\n\nb, x&y.\n");
    expect_rendered(&template, TEMPLATE_HTML, values, "<p>x&amp;y</p>\n");
    json_decref(values);
    template_fini(&template);
    buf_fini(&why);
}

/* With and without each value: no blank paragraph, no blank end. */
static void embedded_words_leave_no_gaps(void **state)
{
    (void)state;
    for (size_t n = 0; template_embedded_name(n); n++) {
        for (int given = 0; given < 2; given++) {
            const char *html = NULL;
            const char *text = template_embedded(template_embedded_name(n), &html);
            struct template template;
            struct buf why = {0};
            struct buf out = {0};
            json_t *values = json_object();
            for (size_t i = 0; given && template_variables[i]; i++) {
                tree_set_text(values, template_variables[i], "value");
            }
            assert_int_equal(parse(text, html, &template, &why), OK);
            assert_int_equal(template_render(&template, TEMPLATE_TEXT, values, &out), OK);
            assert_null(strstr(buf_text(&out), "\n\n\n"));
            assert_true(out.len > 2 && memcmp(buf_text(&out) + out.len - 2, "\n\n", 2) != 0);
            buf_reset(&out);
            assert_int_equal(template_render(&template, TEMPLATE_HTML, values, &out), OK);
            assert_null(strstr(buf_text(&out), "<p></p>"));
            template_fini(&template);
            json_decref(values);
            buf_fini(&out);
            buf_fini(&why);
        }
    }
}

static void values_are_put_in_and_escaped(void **state)
{
    (void)state;
    struct template template;
    struct buf why = {0};
    json_t *values = json_pack("{s:s}", "name", "<b>\"Eve\" & 'co'</b>\r\nBcc: x");
    assert_int_equal(parse("Subject: Hi {{ name | friend }} {\r\n\r\nHi {{name}} {{link|no link}}",
                           "<p>{{name}}{{link|<i>none</i>}}</p>", &template, &why),
                     OK);
    expect_rendered(&template, TEMPLATE_SUBJECT, values, "Hi <b>\"Eve\" & 'co'</b>  Bcc: x {");
    expect_rendered(&template, TEMPLATE_TEXT, values, "Hi <b>\"Eve\" & 'co'</b>\r\nBcc: x no link");
    expect_rendered(
        &template, TEMPLATE_HTML, values,
        "<p>&lt;b&gt;&quot;Eve&quot; &amp; &#39;co&#39;&lt;/b&gt;\r\nBcc: x<i>none</i></p>");
    json_decref(values);
    /* a value is not read as a template again */
    values = json_pack("{s:s}", "name", "{{email}}");
    expect_rendered(&template, TEMPLATE_SUBJECT, values, "Hi {{email}} {");
    json_decref(values);
    values = json_object();
    expect_rendered(&template, TEMPLATE_SUBJECT, values, "Hi  friend  {");
    json_decref(values);
    template_fini(&template);
    buf_fini(&why);
}

static void a_template_says_that_it_is_not_transactional(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool transactional;
    } rows[] = {{"Subject: a\n\nx", true},
                {"Subject: a\nTransactional: yes\n\nx", true},
                {"Subject: a\nTransactional: no\n\nx", false},
                {"Subject: a\r\nTransactional:\tno\r\n\r\nx", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct template template;
        struct buf why = {0};
        assert_int_equal(parse(rows[i].text, NULL, &template, &why), OK);
        assert_int_equal(template.transactional, rows[i].transactional);
        assert_string_equal(template.subject, "a");
        assert_string_equal(template.text, "x");
        template_fini(&template);
    }
}

static void huge_values_are_refused(void **state)
{
    (void)state;
    struct template template;
    struct buf why = {0};
    struct buf out = {0};
    char *name = malloc(TEMPLATE_RENDERED_BYTES_MAX + 2);
    memset(name, 'x', TEMPLATE_RENDERED_BYTES_MAX + 1);
    name[TEMPLATE_RENDERED_BYTES_MAX + 1] = '\0';
    json_t *values = json_pack("{s:s}", "name", name);
    assert_int_equal(parse("Subject: a\n\n{{name}}", NULL, &template, &why), OK);
    assert_int_equal(template_render(&template, TEMPLATE_TEXT, values, &out), FAULT_TOO_LARGE);
    json_decref(values);
    template_fini(&template);
    buf_fini(&out);
    buf_fini(&why);
    free(name);
}

static void embedded_words_are_good(void **state)
{
    (void)state;
    for (size_t i = 0; template_embedded_name(i); i++) {
        struct template template;
        struct buf why = {0};
        const char *html = NULL;
        const char *text = template_embedded(template_embedded_name(i), &html);
        assert_int_equal(parse(text, html, &template, &why), OK);
        template_fini(&template);
        buf_fini(&why);
    }
}

static void a_founders_files_are_used_and_read_again(void **state)
{
    (void)state;
    char *home = test_folder();
    char *folder = NULL;
    struct templates *templates = NULL;
    struct buf why = {0};
    assert_true(asprintf(&folder, "%s/templates", home) > 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    test_write_file(folder, "welcome.txt", "Subject: mine\n\nmy words\n");
    test_write_file(folder, "notes.md", "not a template {{");
    assert_int_equal(templates_open(home, &templates, &why), OK);
    const struct template *template = templates_find(templates, "welcome");
    assert_string_equal(template->subject, "mine");
    assert_null(template->html); /* the embedded HTML would say something else */
    assert_non_null(templates_find(templates, "goodbye")->html);
    assert_null(templates_find(templates, "unheard"));
    assert_null(templates_find(templates, "../../etc/passwd"));

    test_write_file(folder, "welcome.txt", "Subject: {{oops}}\n\nx\n");
    assert_string_equal(templates_find(templates, "welcome")->subject, "mine");
    test_write_file(folder, "welcome.txt", "Subject: third time\n\nx\n");
    assert_string_equal(templates_find(templates, "welcome")->subject, "third time");
    templates_close(&templates);

    test_write_file(folder, "back.html", "<p>alone</p>");
    assert_int_equal(templates_open(home, &templates, &why), FAULT_CONFIG);
    assert_non_null(strstr(buf_text(&why), "templates/back.html:1: expected back.txt"));
    buf_fini(&why);
    free(folder);
    test_rm_folder(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_told_with_file_and_line),
        cmocka_unit_test(values_are_put_in_and_escaped),
        cmocka_unit_test(a_section_stays_where_there_is_a_value),
        cmocka_unit_test(embedded_words_leave_no_gaps),
        cmocka_unit_test(a_template_says_that_it_is_not_transactional),
        cmocka_unit_test(huge_values_are_refused),
        cmocka_unit_test(embedded_words_are_good),
        cmocka_unit_test(a_founders_files_are_used_and_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
