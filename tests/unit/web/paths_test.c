/* Paths, patterns, form fields, and two header values: the pure part of the server. */
#include "paths.h"

#include "negotiate.h"
#include "test.h"

#include <stdlib.h>

static enum path_verdict cut(const char *raw, struct path *path)
{
    static char copy[PATH_BYTES_MAX];
    snprintf(copy, sizeof copy, "%s", raw);
    return path_cut(copy, path);
}

static void test_cut(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        enum path_verdict verdict;
        const char *joined; /* with a bar between two segments */
    } rows[] = {
        {"/", PATH_FINE, ""},
        {"/a", PATH_FINE, "a"},
        {"/a/", PATH_FINE, "a|"},
        {"//a", PATH_FINE, "|a"},
        {"/a%2Fb/c", PATH_FINE, "a/b|c"},
        {"/a%2fb%2F..%2fc", PATH_FINE, "a/b/../c"},
        {"/%67et+it", PATH_FINE, "get+it"},
        {"/caf%C3%A9/%F0%9F%8E%89", PATH_FINE, "caf\xc3\xa9|\xf0\x9f\x8e\x89"},
        {"/a%0Ab", PATH_FINE, "a\nb"},
        {"/...", PATH_FINE, "..."},
        {"/.a", PATH_FINE, ".a"},
        {"", PATH_FOREIGN, ""},
        {"*", PATH_FOREIGN, ""},
        {"http://b/a", PATH_FOREIGN, ""},
        {"/..", PATH_BAD, ""},
        {"/a/../b", PATH_BAD, ""},
        {"/a/%2e%2E/b", PATH_BAD, ""},
        {"/a/./b", PATH_BAD, ""},
        {"/%", PATH_BAD, ""},
        {"/%4", PATH_BAD, ""},
        {"/%4/1", PATH_BAD, ""},
        {"/%zz", PATH_BAD, ""},
        {"/%u0041", PATH_BAD, ""},
        {"/a%00", PATH_BAD, ""},
        {"/%ff", PATH_BAD, ""},
        {"/%C3", PATH_BAD, ""},
        {"/%C0%AF", PATH_BAD, ""},       /* a slash, longer than needed */
        {"/%ED%A0%80", PATH_BAD, ""},    /* half of a surrogate pair */
        {"/%F4%90%80%80", PATH_BAD, ""}, /* past the last */
        {"/%E2%82/%AC", PATH_BAD, ""},   /* no character goes over a slash */
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32",
         PATH_FINE, NULL},
        {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/",
         PATH_LONG, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct path path;
        char joined[256] = "";
        if (cut(rows[i].raw, &path) != rows[i].verdict) {
            fail_msg("%s", rows[i].raw);
        }
        for (size_t s = 0; rows[i].verdict == PATH_FINE && rows[i].joined && s < path.count; s++) {
            snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", s ? "|" : "",
                     path.segments[s]);
        }
        assert_string_equal(joined, rows[i].joined ? rows[i].joined : "");
    }
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *pattern;
        bool fits;
        const char *name, *value;
    } rows[] = {
        {"/", "/", true, NULL, NULL},
        {"/a", "/a", true, NULL, NULL},
        {"/a/", "/a", false, NULL, NULL},
        {"/a", "/a/", false, NULL, NULL},
        {"/ab", "/a", false, NULL, NULL},
        {"/a", "/ab", false, NULL, NULL},
        {"/jobs/crm/k%2F1", "/jobs/{actor}/{key}", true, "key", "k/1"},
        {"/jobs/crm/k%2F1", "/jobs/{actor}/{key}", true, "actor", "crm"},
        {"/jobs/crm/k%2F1", "/jobs/{actor}/{key}", true, "act", NULL},
        {"/jobs/crm/k/1", "/jobs/{actor}/{key}", false, NULL, NULL},
        {"/jobs//k", "/jobs/{actor}/{key}", false, NULL, NULL},
        {"/jobs/crm/", "/jobs/{actor}/{key}", false, NULL, NULL},
        {"/jobs/crm/k/retry", "/jobs/{actor}/{key}/retry", true, "key", "k"},
        {"/below/", "/below/*", true, NULL, NULL},
        {"/below/a/b", "/below/*", true, NULL, NULL},
        {"/below", "/below/*", false, NULL, NULL},
        {"/below%2Fa", "/below/*", false, NULL, NULL},
        {"/%7Ba%7D", "/{x}", true, "x", "{a}"},
        {"/a/b", "/{x}/*", true, "x", "a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct path path;
        assert_int_equal(cut(rows[i].raw, &path), PATH_FINE);
        if (path_fits(&path, rows[i].pattern) != rows[i].fits) {
            fail_msg("%s %s", rows[i].raw, rows[i].pattern);
        }
        const char *value = rows[i].name ? path_param(&path, rows[i].pattern, rows[i].name) : NULL;
        assert_true(!value == !rows[i].value);
        if (value) {
            assert_string_equal(value, rows[i].value);
        }
    }
    assert_true(pattern_before("/a/b", "/a/{x}"));
    assert_true(pattern_before("/a/{x}", "/{y}/b"));
    assert_true(pattern_before("/a/{x}", "/a/*"));
    assert_true(pattern_before("/a/{x}/c", "/a/{x}/{y}"));
    assert_false(pattern_before("/a/{x}", "/a/{y}"));
    assert_false(pattern_before("/*", "/a"));
    assert_false(pattern_before("/a", "/a"));
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *body, *name, *value;
    } rows[] = {
        {"name=ada&password=a%26b+c%3D1&next=%2F", "name", "ada"},
        {"name=ada&password=a%26b+c%3D1&next=%2F", "password", "a&b c=1"},
        {"name=ada&password=a%26b+c%3D1&next=%2F", "next", "/"},
        {"name=ada", "nam", NULL},
        {"name=ada", "names", NULL},
        {"name=ada&name=bob", "name", NULL},
        {"name=ada&n%61me=bob", "name", NULL},
        {"n%61me=ada", "name", "ada"},
        {"my+name=ada", "my name", "ada"},
        {"name=", "name", ""},
        {"name", "name", ""},
        {"a=b=c", "a", "b=c"},
        {"&&a=1&", "a", "1"},
        {"a=%00", "a", NULL},
        {"a=%ff", "a", NULL},
        {"a=%2", "a", NULL},
        {"a=%C3%A9", "a", "\xc3\xa9"},
        {"%=1&a=2", "a", "2"},
        {"", "a", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *value = form_field(rows[i].body, strlen(rows[i].body), rows[i].name);
        if (!value != !rows[i].value || (value && strcmp(value, rows[i].value) != 0)) {
            fail_msg("%s of %s: %s", rows[i].name, rows[i].body, value ? value : "(none)");
        }
        free(value);
    }
    assert_null(form_field(NULL, 0, "a"));
    assert_null(form_field("a=x\0y", 5, "a"));
}

static void test_negotiation(void **state)
{
    (void)state;
    static const struct {
        const char *list, *etag;
        bool has;
    } tags[] = {
        {"\"a\"", "\"a\"", true},
        {"\"b\", \"a\"", "\"a\"", true},
        {"\"b\",W/\"a\"", "\"a\"", true},
        {"\"a\"", "W/\"a\"", true},
        {"*", "\"a\"", true},
        {" * ", "\"a\"", true},
        {"\"ab\"", "\"a\"", false},
        {"a", "\"a\"", false},
        {"\"a", "\"a\"", false},
        {"", "\"a\"", false},
        {"* , \"a\"", "\"a\"", false},
        {"\"x, y\", \"a\"", "\"a\"", true},
        {"junk \"a\"", "\"a\"", false},
    };
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (etags_have(tags[i].list, tags[i].etag) != tags[i].has) {
            fail_msg("%s in %s", tags[i].etag, tags[i].list);
        }
    }
    static const struct {
        const char *list;
        bool gzip;
    } encodings[] = {
        {"gzip, deflate, br", true},
        {"deflate,GZIP;q=0.5", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip;q=0.001", true},
        {"br", false},
        {"*", true},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"x-gzip", true},
        {"gzipped", false},
        {"", false},
        {"identity", false},
    };
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        if (encodings_have_gzip(encodings[i].list) != encodings[i].gzip) {
            fail_msg("%s", encodings[i].list);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_negotiation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
