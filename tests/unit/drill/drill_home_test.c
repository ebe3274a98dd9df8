/* What of a founder's home comes into a drill, and what must not. */
#include "test.h"

#include "drill_core.h"
#include "home.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

struct homes {
    struct scratch founder, scratch;
    zloop_t *loop;
    struct drill_home drill;
    struct buf why;
};

static void put(const char *home, const char *name, const char *text)
{
    char *path = home_path(home, "%s", name), *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(home_folder(path), OK);
    *slash = '/';
    assert_int_equal(home_write_file(path, text, strlen(text), 0600), OK);
    free(path);
}

static char *get(const char *home, const char *name)
{
    char *path = home_path(home, "%s", name), *text = NULL;
    size_t len;
    assert_int_equal(home_read_file(path, 1 << 20, &text, &len), OK);
    free(path);
    return text;
}

static void homes_init(struct homes *homes, const char *config)
{
    *homes = (struct homes){.loop = zloop_new()};
    assert_int_equal(scratch_make(&homes->founder, "/tmp", "founder"), OK);
    assert_int_equal(scratch_make(&homes->scratch, "/tmp", "drilled"), OK);
    put(homes->founder.home, "usher.cfg", config);
    put(homes->scratch.home, "secrets/stripe", "whsec_made_by_init");
    homes->drill = (struct drill_home){
        .loop = homes->loop, .from = homes->founder.home, .home = homes->scratch.home};
}

static void homes_fini(struct homes *homes)
{
    drill_home_fini(&homes->drill);
    zloop_destroy(&homes->loop);
    scratch_end(&homes->founder);
    scratch_end(&homes->scratch);
    buf_fini(&homes->why);
}

/* --- what is refused ------------------------------------------------------------------------ */

/* One line in a config that is right otherwise; `path` is what must be named, NULL: nothing. */
static const struct {
    const char *config;
    const char *path;
} lines[] = {
    {"crm\n    provider = local\n", NULL},
    {"crm\n    provider = hubspot\n    url = \"http://127.0.0.1:9\"\n", NULL},
    {"mailer\n    provider = smtp\n    url = \"smtp://localhost:25\"\n", NULL},
    {"webhook\n    listen = \"127.0.0.1:80\"\n    trusted_proxies = \"127.0.0.1 ::1\"\n", NULL},
    {"mailer\n    from = \"Club <hello@example.com>\"\n", NULL},
    {"webhook\n    payment\n        secret = \"file:secrets/stripe\"\n", NULL},
    {"crm\n    provider = hubspot\n    url = \"https://api.hubapi.com\"\n", "crm/url"},
    {"crm\n    provider = hubspot\n    url = \"http://127.0.0.1.example.com\"\n", "crm/url"},
    {"crm\n    provider = hubspot\n    url = \"http://127.0.0.1@example.com\"\n", "crm/url"},
    {"crm\n    provider = hubspot\n", "crm: hubspot is not told where to go"},
    {"crm\n    provider = nobody\n", "crm: nobody stands in"},
    {"alert\n    hook\n        provider = slack\n", "alert: slack is not told where to go"},
    {"alert\n    hook\n        provider = slack\n        url = \"file:secrets/url\"\n",
     "alert/hook/url"},
    {"mailer\n    key = \"env:MAIL_PASSWORD\"\n", "mailer/key"},
    {"mailer\n    key = \"file:/etc/passwd\"\n", "mailer/key"},
    {"mailer\n    key = \"file:secrets/../../../etc/passwd\"\n", "mailer/key"},
    {"mailer\n    key = \"file:secrets/absent\"\n", "mailer/key"},
    {"console\n    listen = \"0.0.0.0:8081\"\n", "console/listen"},
    {"broker\n    broker = \"tcp://10.0.0.1:7700\"\n", "broker/broker"},
    {"deeper\n    down\n        where = \"https://example.com\"\n", "deeper/down/where"},
};

static void test_what_leads_out_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct homes homes;
        homes_init(&homes, "");
        put(homes.scratch.home, "usher.cfg", lines[i].config);
        put(homes.scratch.home, "secrets/url", "https://hooks.example.com/secret");
        enum fault fault = drill_home_sealed(homes.scratch.home, &homes.why);
        const char *why = buf_text(&homes.why);
        if (lines[i].path ? fault != FAULT_DENIED || !strstr(why, lines[i].path) : fault != OK) {
            fail_msg("%s\n%s: %s", lines[i].config, fault_words(fault), why);
        }
        homes_fini(&homes);
    }
}

/* --- what is written ------------------------------------------------------------------------ */

static const char founders[] = "webhook\n"
                               "    listen = \"0.0.0.0:8080\"\n"
                               "    url = \"https://hooks.founder.example\"\n"
                               "    payment\n"
                               "        provider = paddle\n"
                               "        mode = live\n"
                               "        secret = \"a literal one of the founder\"\n"
                               "        key = \"file:secrets/api\"\n"
                               "        products = \"pri_7 pri_8\"\n"
                               "    payment\n"
                               "        provider = standard\n"
                               "        name = clerk\n"
                               "    limits\n"
                               "        wrong = 7\n"
                               "broker\n"
                               "    broker = \"tcp://10.0.0.1:7700\"\n"
                               "    segment = 1048576\n"
                               "crm\n"
                               "    provider = hubspot\n"
                               "    key = \"file:secrets/hubspot\"\n"
                               "    retry\n"
                               "        first = 9s\n"
                               "        give_up = 80h\n"
                               "    tags_property = 'the \"club\" tags'\n"
                               "support\n"
                               "    provider = freshdesk\n"
                               "    url = \"https://founder.example\"\n"
                               "mailer\n"
                               "    provider = smtp\n"
                               "    url = \"smtps://mail.founder.example\"\n"
                               "    tls = required\n"
                               "    ca = \"/etc/founder.pem\"\n"
                               "    from = \"Club <hello@founder.example>\"\n"
                               "    key = \"env:FOUNDER_PASSWORD\"\n"
                               "    dkim\n"
                               "        domain = founder.example\n"
                               "alert\n"
                               "    hook\n"
                               "        provider = slack\n"
                               "        url = \"https://hooks.founder.example/1\"\n"
                               "    hook\n"
                               "        provider = pigeons\n";

static void assert_setting(zconfig_t *root, const char *path, const char *value)
{
    assert_string_equal(zconfig_get(root, path, "(none)"), value);
}

static void assert_begins(zconfig_t *root, const char *path, const char *value)
{
    const char *found = zconfig_get(root, path, "(none)");
    if (strncmp(found, value, strlen(value)) != 0) {
        fail_msg("%s is %s, not %s...", path, found, value);
    }
}

static void test_the_founders_home_is_played(void **state)
{
    (void)state;
    struct homes homes;
    homes_init(&homes, founders);
    put(homes.founder.home, "rules.cfg", "payment_failed\n    settle = 30m\n    tag = late\n");
    put(homes.founder.home, "secrets/hubspot", "the founder's token");
    put(homes.founder.home, "templates/welcome.txt", "Subject: mine\n\nHello\n");
    if (drill_home_fill(&homes.drill, &homes.why) != OK) {
        fail_msg("%s", buf_text(&homes.why));
    }
    assert_int_equal(drill_home_sealed(homes.scratch.home, &homes.why), OK);

    char *path = home_path(homes.scratch.home, "usher.cfg"), *text;
    zconfig_t *root = zconfig_load(path);
    assert_non_null(root);
    /* What the founder chose. */
    assert_setting(root, "crm/provider", "hubspot");
    assert_setting(root, "crm/tags_property", "the \"club\" tags");
    assert_setting(root, "crm/retry/give_up", "80h");
    assert_setting(root, "webhook/limits/wrong", "7");
    assert_setting(root, "mailer/from", "Club <hello@founder.example>");
    /* What would reach out, or is secret. */
    assert_begins(root, "webhook/listen", "127.0.0.1:");
    assert_begins(root, "webhook/url", "http://127.0.0.1");
    assert_begins(root, "crm/url", "http://127.0.0.1:");
    assert_begins(root, "mailer/url", "smtp://127.0.0.1:");
    assert_begins(root, "alert/hook/url", "http://127.0.0.1:");
    assert_setting(root, "broker/broker", "(none)");
    assert_setting(root, "broker/segment", "(none)");
    assert_setting(root, "mailer/tls", "auto");
    assert_setting(root, "mailer/ca", "(none)");
    assert_setting(root, "mailer/dkim/domain", "(none)");
    assert_setting(root, "webhook/payment/mode", "test");
    assert_setting(root, "webhook/payment/key", "(none)");
    assert_begins(root, "webhook/payment/secret", "file:secrets/drill-");
    assert_begins(root, "crm/key", "file:secrets/drill-");
    assert_begins(root, "mailer/key", "file:secrets/drill-");
    assert_setting(root, "crm/retry/first", DRILL_RETRY_FIRST);
    zconfig_destroy(&root);
    text = get(homes.scratch.home, "usher.cfg");
    assert_null(strstr(text, "founder.example/"));
    assert_null(strstr(text, "literal"));
    free(text);
    free(path);

    /* Nobody stands in for these, and something embedded does in their place. */
    struct buf missing = {0};
    json_t *one;
    size_t i;
    json_array_foreach(homes.drill.not_drilled, i, one)
    {
        buf_printf(&missing, "%s/%s ", tree_text(one, "actor"), tree_text(one, "provider"));
    }
    assert_string_equal(buf_text(&missing), "webhook/standard support/freshdesk alert/pigeons ");
    buf_fini(&missing);

    /* The rules are his, but nobody waits half an hour. */
    struct rules rules;
    assert_int_equal(rules_load(homes.scratch.home, &rules, &homes.why), OK);
    assert_string_equal(rules.rule[RULE_PAYMENT_FAILED].tag, "late");
    assert_int_equal(rules.rule[RULE_PAYMENT_FAILED].settle_ms, 200);
    text = get(homes.scratch.home, "templates/welcome.txt");
    assert_string_equal(text, "Subject: mine\n\nHello\n");
    free(text);

    /* The drill speaks for the founder's provider, under a secret of its own. */
    const struct drill_source *told = &homes.drill.sources[homes.drill.payments];
    assert_string_equal(told->provider, "paddle");
    assert_string_equal(told->product, "pri_7");
    assert_null(strstr(told->secret, "founder"));
    assert_null(drill_home_source(&homes.drill, "mail", "resend"));

    /* And the founder's is as it was. */
    text = get(homes.founder.home, "usher.cfg");
    assert_string_equal(text, founders);
    free(text);
    homes_fini(&homes);
}

static void test_a_bare_home(void **state)
{
    (void)state;
    struct homes homes;
    homes_init(&homes, "crm\n    provider = local\n");
    assert_int_equal(drill_home_fill(&homes.drill, &homes.why), OK);
    assert_int_equal(drill_home_sealed(homes.scratch.home, &homes.why), OK);
    char *text = get(homes.scratch.home, "usher.cfg");
    assert_non_null(strstr(text, "webhook\n    listen = \"127.0.0.1:"));
    assert_non_null(strstr(text, "console\n    listen = \"127.0.0.1:"));
    assert_string_equal(homes.drill.sources[homes.drill.payments].provider, "stripe");
    assert_int_equal(json_array_size(homes.drill.not_drilled), 0);
    free(text);
    homes_fini(&homes);
}

/* Nobody can tell of payments as this provider does: there is a source of Stripe's beside it. */
static void test_a_provider_that_nobody_speaks_for(void **state)
{
    (void)state;
    struct homes homes;
    homes_init(&homes, "webhook\n    payment\n        provider = standard\n        name = polar\n");
    assert_int_equal(drill_home_fill(&homes.drill, &homes.why), OK);
    assert_int_equal(drill_home_sealed(homes.scratch.home, &homes.why), OK);
    assert_string_equal(homes.drill.sources[homes.drill.payments].name, "drill");
    assert_string_equal(homes.drill.sources[homes.drill.payments].provider, "stripe");
    json_t *missing = json_array_get(homes.drill.not_drilled, 0);
    assert_string_equal(tree_text(missing, "actor"), "payment");
    assert_string_equal(tree_text(missing, "provider"), "standard");
    homes_fini(&homes);
}

static void test_mistakes(void **state)
{
    (void)state;
    struct homes homes;
    homes_init(&homes, "crm\n    provider = local\n");
    put(homes.founder.home, "rules.cfg", "first_access\n    tagg = member\n");
    assert_int_equal(drill_home_fill(&homes.drill, &homes.why), FAULT_CONFIG);
    assert_non_null(strstr(buf_text(&homes.why), "rules.cfg:2"));
    homes_fini(&homes);
}

/* --- numbers -------------------------------------------------------------------------------- */

static void test_95_of_100(void **state)
{
    (void)state;
    struct drill *drill = must_calloc(1, sizeof *drill);
    assert_int_equal(drill_effects_p95(drill), -1);
    for (int i = 0; i < 100; i++) {
        drill->effects_ms[i] = 100 - i;
    }
    drill->effect_count = 100;
    assert_int_equal(drill_effects_p95(drill), 95);
    drill->effect_count = 20; /* 1 to 20: sorted by now */
    assert_int_equal(drill_effects_p95(drill), 19);
    drill->effect_count = 1;
    assert_int_equal(drill_effects_p95(drill), 1);
    free(drill);
}

static void test_names_of_cases(void **state)
{
    (void)state;
    static const struct {
        const char *only;
        bool known;
    } rows[] = {{"refund", true},   {"refund,limits", true},   {"", false},      {"refund,", true},
                {"refunds", false}, {"refund,,limits", false}, {"Refund", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf why = {0};
        assert_int_equal(drill_cases_known(rows[i].only, &why), rows[i].known);
        assert_int_equal(why.len > 0, !rows[i].known);
        buf_fini(&why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_leads_out_is_refused),
        cmocka_unit_test(test_the_founders_home_is_played),
        cmocka_unit_test(test_a_bare_home),
        cmocka_unit_test(test_a_provider_that_nobody_speaks_for),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_95_of_100),
        cmocka_unit_test(test_names_of_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
