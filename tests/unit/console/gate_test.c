/* gate_test.c - the route table: every role and kind of visitor against every row. */
#include "test.h"

#include "gate.h"
#include "forms.h"
#include "roles.h"
#include "routes.h"

#include <string.h>

static struct identity person(enum role role)
{
    return (struct identity){.kind = IDENTITY_PERSON, .rights = role_rights(role)};
}

/* What the words of the issue say, a second time: not read from the table. */
static bool role_may(enum role role, const char *right)
{
    static const struct {
        const char *right;
        enum role least;
    } least[] = {{"READ", ROLE_VIEWER},      {"PERSONAL", ROLE_SUPPORT},  {"NOTE", ROLE_SUPPORT},
                 {"OPERATE", ROLE_OPERATOR}, {"SETTINGS", ROLE_OPERATOR}, {"ACCESS", ROLE_OWNER},
                 {"PEOPLE", ROLE_OWNER}};
    for (size_t i = 0; i < sizeof least / sizeof *least; i++) {
        if (strcmp(least[i].right, right) == 0) {
            return role >= least[i].least;
        }
    }
    return false;
}

static const char *right_of(unsigned bit)
{
    for (size_t i = 0; right_nth(i); i++) {
        if (right_nth(i)->bit == bit) {
            return right_nth(i)->name;
        }
    }
    return "";
}

static void check_roles(void **state)
{
    (void)state;
    for (size_t i = 0; routes_nth(i); i++) {
        const struct route_row *row = routes_nth(i);
        for (enum role role = 0; role < ROLE_COUNT; role++) {
            struct identity who = person(role);
            bool open = routes_verdict(row, &who) == ROUTE_OPEN;
            assert_int_equal(open, row->right == 0 || role_may(role, right_of(row->right)));
        }
    }
}

/* Anonymous reaches the forms to sign in, health, and nothing else. */
static void check_anonymous(void **state)
{
    (void)state;
    static const char *const open[] = {"/login", "/welcome", "/login.css", "/healthz"};
    struct identity nobody = {0};
    for (size_t i = 0; routes_nth(i); i++) {
        const struct route_row *row = routes_nth(i);
        bool listed = false;
        for (size_t o = 0; o < sizeof open / sizeof *open; o++) {
            listed = listed || strcmp(open[o], row->path) == 0;
        }
        assert_int_equal(routes_verdict(row, &nobody) == ROUTE_OPEN, listed);
    }
}

static void check_keys(void **state)
{
    (void)state;
    struct identity all = {.kind = IDENTITY_KEY, .scopes = ~0U, .rights = ~0U};
    struct identity none = {.kind = IDENTITY_KEY, .rights = ~0U};
    for (size_t i = 0; routes_nth(i); i++) {
        const struct route_row *row = routes_nth(i);
        bool open = routes_verdict(row, &all) == ROUTE_OPEN;
        assert_true(!open || strcmp(row->method, "GET") == 0 || row->right == 0);
        if (row->right) {
            assert_int_equal(open, row->scope != 0);
            bool any = row->scope == ROUTES_ANY_SCOPE;
            assert_int_equal(routes_verdict(row, &none) == ROUTE_OPEN, any);
        }
    }
}

/* What changes anything needs a session with more than sight, but one's own affairs. */
static void check_acts(void **state)
{
    (void)state;
    for (size_t i = 0; routes_nth(i); i++) {
        const struct route_row *row = routes_nth(i);
        bool own = strncmp(row->path, "/api/v1/me", 10) == 0 ||
                   strncmp(row->path, "/api/v1/sessions/", 17) == 0 ||
                   strcmp(row->path, "/logout") == 0;
        if (routes_is_act(row) && !own) {
            assert_true(row->right != RIGHT_READ && row->right != 0);
        }
        assert_true(*row->summary);
    }
}

static void check_origin(void **state)
{
    (void)state;
    static const struct {
        const char *origin, *host;
        bool secure, same;
    } rows[] = {{"http://127.0.0.1:8081", "127.0.0.1:8081", false, true},
                {"https://usher.example.com", "usher.example.com", true, true},
                {"HTTPS://USHER.example.com", "usher.example.com", true, true},
                {"http://usher.example.com", "usher.example.com", true, false},
                {"https://usher.example.com.evil.org", "usher.example.com", true, false},
                {"https://evil.org", "usher.example.com", true, false},
                {"null", "usher.example.com", true, false},
                {"https://", "", true, false},
                {NULL, "usher.example.com", true, false},
                {"https://usher.example.com", NULL, true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(gate_same_origin(rows[i].origin, rows[i].host, rows[i].secure),
                         rows[i].same);
    }
}

static void check_forms(void **state)
{
    (void)state;
    static const struct {
        const char *page, *filled;
    } rows[] = {
        {"a {{name}} b", "a &lt;b&gt;&amp;&quot;&#39; b"},
        {"{{#name}}yes{{/name}}{{#none}}no {{name}}{{/none}}.", "yes."},
        {"{{none}}", ""},
        {"{{unclosed", "{{unclosed"},
        {"{ {name}} {{}} {{ }", "{ {name}} {{}} {{ }"},
        {"", ""},
    };
    json_t *values = json_pack("{s:s}", "name", "<b>&\"'");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = {0};
        forms_fill(rows[i].page, strlen(rows[i].page), values, &out);
        assert_string_equal(buf_text(&out), rows[i].filled);
        buf_fini(&out);
    }
    json_decref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_roles),  cmocka_unit_test(check_anonymous),
        cmocka_unit_test(check_keys),   cmocka_unit_test(check_acts),
        cmocka_unit_test(check_origin), cmocka_unit_test(check_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
