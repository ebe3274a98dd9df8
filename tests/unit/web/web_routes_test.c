/* Which handler a request comes to, with what, and what every answer says. */
#include "web_bench.h"

static void on_params(void *self, struct web_request *request)
{
    (void)self;
    char text[256];
    const char *actor = web_param(request, "actor"), *key = web_param(request, "key");
    const char *query = web_query(request, "q");
    snprintf(text, sizeof text, "%s params actor=%s key=%s other=%s path=%s q=%s",
             web_method(request), actor, key, web_param(request, "other") ? "yes" : "no",
             web_path(request), query ? query : "");
    web_json(request, 200, text);
}

static void on_literal(void *self, struct web_request *request)
{
    (void)self;
    web_json(request, 200, "literal");
}

static void on_rest(void *self, struct web_request *request)
{
    (void)self;
    web_json(request, 200, "rest \"path\"");
}

static void on_tagged(void *self, struct web_request *request)
{
    (void)self;
    static const char *const headers[] = {"ETag", "\"v-1\"", "Cache-Control", "private", NULL};
    bool fresh = web_not_modified(request, "\"v-1\"");
    web_answer(request, &(struct web_answer){.status = fresh ? 304 : 200,
                                             .media_type = "text/plain",
                                             .body = web_accepts_gzip(request) ? "zipp" : "long",
                                             .len = 4,
                                             .headers = headers});
}

static void on_detail(void *self, struct web_request *request)
{
    (void)self;
    web_problem_detail(request, 409, "a \"title\"", "line\n\\ \x01 caf\xc3\xa9 \xff.");
}

static void on_own(void *self, struct web_request *request)
{
    (void)self;
    static const char *const headers[] = {
        "content-security-policy", "own", "Set-Cookie", "a=1", "Set-Cookie", "b=2", NULL};
    web_answer(request, &(struct web_answer){.status = 200, .body = "", .headers = headers});
}

static void on_form(void *self, struct web_request *request)
{
    (void)self;
    char *name = web_form(request, "name"), text[256];
    snprintf(text, sizeof text, "name is %s.", name ? name : "nothing");
    free(name);
    web_json(request, 200, text);
}

static const struct web_route routes[] = {
    {"GET", "/*", NULL, 0, on_rest},
    {"GET", "/jobs/{actor}/{key}", NULL, 0, on_params},
    {"DELETE", "/jobs/{actor}/{key}", "application/json", BODY_MAX, on_params},
    {"PUT", "/jobs/{actor}/{key}", NULL, BODY_MAX, on_params},
    {"POST", "/jobs/{actor}/{key}/retry", NULL, BODY_MAX, on_params},
    {"GET", "/jobs/crm/like", NULL, 0, on_literal},
    {"POST", "/jobs/crm/only", NULL, 0, on_literal},
    {"GET", "/tagged", NULL, 0, on_tagged},
    {"GET", "/detail", NULL, 0, on_detail},
    {"GET", "/own", NULL, 0, on_own},
    {"POST", "/form", "application/x-www-form-urlencoded", BODY_MAX, on_form},
    {NULL, NULL, NULL, 0, NULL},
};

static const char *const everywhere[] = {"Content-Security-Policy", "default-src 'none'",
                                         "Referrer-Policy", "no-referrer", NULL};

static int set_up(void **state)
{
    struct bench *bench = bench_new(routes);
    bench->options.headers = everywhere;
    return bench_start(bench, state);
}

static void test_params(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"GET /jobs/crm/like", "literal"},
        {"GET /jobs/crm/lik%65", "literal"},
        {"GET /jobs/crm/liked", "GET params actor=crm key=liked other=no"},
        /* a literal path with another method does not hide the parameter's */
        {"GET /jobs/crm/only", "GET params actor=crm key=only"},
        {"HEAD /jobs/crm/only", "200 OK"},
        {"GET /jobs/crm/a%2Fb", "key=a/b other=no path=/jobs/crm/a/b q="},
        {"GET /jobs/crm/..%2F..%2Fetc%2Fpasswd?q=1%2F2", "key=../../etc/passwd"},
        {"GET /jobs/crm/k?q=a%2Fb+c", "q=a/b c"},
        {"GET /jobs/a%20b/caf%C3%A9", "actor=a b key=caf\xc3\xa9"},
        {"GET /jobs/{actor}/{key}", "actor={actor} key={key}"},
        {"GET /jobs//k", "rest"},
        {"GET /jobs/crm", "rest"},
        {"GET /jobs/crm/k/more", "rest"},
        {"GET /", "rest"},
        {"GET /jobs/../like", "400 "},
        {"GET /jobs/%2e%2e/like", "400 "},
        {"GET /jobs/crm/%00", "400 "},
        {"GET /jobs/crm/a%00b", "400 "},
        {"GET /jobs/crm/%ff", "400 "},
        {"GET /jobs/crm/%zz", "400 "},
        {"GET /jobs/crm/100%", "400 "},
        {"POST /jobs/crm/k", "405 "},
        {"POST /jobs/crm/k", "Allow: GET, DELETE, PUT"},
        {"PUT /jobs/crm/only", "PUT params"},
        {"PATCH /jobs/crm/only", "Allow: GET, DELETE, PUT, POST"},
        {"GET http://elsewhere/jobs/crm/k", "404 "},
        {"DELETE /jobs/crm/k", "415 "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char request[512];
        snprintf(request, sizeof request, "%s HTTP/1.1\r\n" HOST "\r\n", rows[i].request);
        expect(bench, request, rows[i].answer, true);
    }
    expect(bench,
           "DELETE /jobs/crm/k HTTP/1.1\r\n" HOST
           "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
           "DELETE params actor=crm key=k", true);
    expect(bench, "PUT /jobs/crm/k HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "PUT params",
           true);
    /* with a body that nobody wants */
    expect(bench, "PUT /jobs/crm/%00 HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "400 ",
           false);
    /* two on one connection do not see each other's */
    static char text[ROOM];
    int fd = dial(bench);
    say(fd, "GET /jobs/first/longer-than-the-second HTTP/1.1\r\n" HOST "\r\n"
            "GET /jobs/b/2 HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear(fd, "actor=b key=2 ", text));
    assert_non_null(strstr(text, "actor=first key=longer-than-the-second "));
    close(fd);
}

static void test_long_paths(void **state)
{
    struct bench *bench = *state;
    static char request[16 * 1024];
    snprintf(request, sizeof request, "GET /jobs/crm/%03900d HTTP/1.1\r\n" HOST "\r\n", 7);
    expect(bench, request, "200 OK", true);
    snprintf(request, sizeof request, "GET /jobs/crm/%05000d HTTP/1.1\r\n" HOST "\r\n", 7);
    expect(bench, request, "414 ", true);
    strcpy(request, "GET ");
    for (int i = 0; i < 40; i++) {
        strcat(request, "/a");
    }
    strcat(request, " HTTP/1.1\r\n" HOST "\r\n");
    expect(bench, request, "414 ", true);
}

/* The answer to one request, up to the next one's. */
static const char *fetch(struct bench *bench, const char *request)
{
    static char text[ROOM];
    int fd = dial(bench);
    say(fd, request);
    say(fd, "GET /last HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear(fd, "rest \"path\"", text));
    close(fd);
    return text;
}

static size_t times(const char *text, const char *words)
{
    size_t count = 0;
    for (; (text = strstr(text, words)); text++) {
        count++;
    }
    return count;
}

static void test_conditional(void **state)
{
    struct bench *bench = *state;
    const char *text = fetch(bench, "GET /tagged HTTP/1.1\r\n" HOST "\r\n");
    assert_non_null(strstr(text, "200 OK"));
    assert_non_null(strstr(text, "ETag: \"v-1\""));
    assert_non_null(strstr(text, "\r\n\r\nlong"));
    static const char *const lists[] = {"\"v-1\"", "\"v-0\", W/\"v-1\"", "*",
                                        "\"v-0\"\r\nIf-None-Match: \"v-1\""};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "GET /tagged HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n", lists[i]);
        text = fetch(bench, request);
        assert_int_equal(strncmp(text, "HTTP/1.1 304 ", 13), 0);
        assert_non_null(strstr(text, "ETag: \"v-1\""));
        assert_non_null(strstr(text, "Cache-Control: private"));
        assert_int_equal(strncmp(strstr(text, "\r\n\r\n") + 4, "HTTP/1.1 200", 12), 0);
    }
    text = fetch(bench, "GET /tagged HTTP/1.1\r\n" HOST "If-None-Match: \"v-2\"\r\n"
                        "Accept-Encoding: br, gzip\r\n\r\n");
    assert_non_null(strstr(text, "\r\n\r\nzipp"));
}

static void test_headers_everywhere(void **state)
{
    struct bench *bench = *state;
    static const char *const requests[] = {
        "GET /jobs/a/b HTTP/1.1\r\n" HOST "\r\n",  "GET /jobs/../b HTTP/1.1\r\n" HOST "\r\n",
        "POST /jobs/a/b HTTP/1.1\r\n" HOST "\r\n", "POST /form HTTP/1.1\r\n" HOST "\r\n",
        "GET /detail HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *text = fetch(bench, requests[i]);
        assert_int_equal(times(text, "Content-Security-Policy: default-src 'none'"), 2);
        assert_int_equal(times(text, "Referrer-Policy: no-referrer"), 2);
        assert_int_equal(times(text, "Cache-Control: no-store"), 2);
        assert_int_equal(times(text, "X-Content-Type-Options: nosniff"), 2);
    }
    expect(bench, "POST /form HTTP/1.1\r\n" HOST "Content-Length: 5000\r\n\r\n",
           "Content-Security-Policy: default-src 'none'", false);
    const char *text = fetch(bench, "GET /own HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(times(text, "content-security-policy: own"), 1);
    assert_int_equal(times(text, "Content-Security-Policy"), 1); /* the other answer's */
    assert_int_equal(times(text, "Set-Cookie: "), 2);
}

static void test_problem_detail(void **state)
{
    expect(*state, "GET /detail HTTP/1.1\r\n" HOST "\r\n",
           "{\"status\":409,\"title\":\"a \\\"title\\\"\","
           "\"detail\":\"line\\u000a\\\\ \\u0001 caf\xc3\xa9 \\ufffd.\"}\n",
           true);
}

static void test_form(void **state)
{
#define FORM "POST /form HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\n"
    expect(*state, FORM "Content-Length: 17\r\n\r\nname=a%2Fb+c&x=yy", "name is a/b c.", true);
    expect(*state, FORM "Content-Length: 13\r\n\r\nname=a&name=b", "name is nothing.", true);
    expect(*state, FORM "\r\n", "name is nothing.", true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_params),         TEST(test_long_paths),
        TEST(test_conditional),    TEST(test_headers_everywhere),
        TEST(test_problem_detail), TEST(test_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
