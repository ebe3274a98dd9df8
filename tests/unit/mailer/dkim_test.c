/* dkim_test.c - signatures against the published ones of RFC 8463, and the canonical forms. */
#include "../test.h"

#include "dkim.h"

/* RFC 8463, appendix A: keys, message and signatures as published. */
static const char rsa_pem[] = "-----BEGIN RSA PRIVATE KEY-----\n"
                              "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
                              "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
                              "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
                              "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
                              "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
                              "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
                              "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
                              "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
                              "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
                              "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
                              "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
                              "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
                              "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
                              "-----END RSA PRIVATE KEY-----\n";

/* The published 32 bytes, nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=, in PKCS #8. */
static const char ed25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

static const char dinner[] = "From: Joe SixPack <joe@football.example.com>\r\n"
                             "To: Suzie Q <suzie@shopping.example.net>\r\n"
                             "Subject: Is dinner ready?\r\n"
                             "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
                             "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
                             "\r\n"
                             "Hi.\r\n"
                             "\r\n"
                             "We lost the game.  Are you hungry yet?\r\n"
                             "\r\n"
                             "Joe.\r\n";

static const char *const published_fields[] = {"from", "to",      "subject", "date", "message-id",
                                               "from", "subject", "date",    NULL};

static struct dkim_key *read_key(enum dkim_kind kind)
{
    struct dkim_key *key = NULL;
    struct buf why = {0};
    enum fault fault = dkim_key_read(kind, kind == DKIM_RSA ? rsa_pem : ed25519_pem, &key, &why);
    if (fault != OK) {
        fail_msg("%s", buf_text(&why));
    }
    buf_fini(&why);
    return key;
}

static char *sign(enum dkim_kind kind, const char *const *fields, const char *message)
{
    struct dkim_key *key = read_key(kind);
    struct buf out = {0};
    struct dkim_signer signer = {"football.example.com", kind == DKIM_RSA ? "test" : "brisbane",
                                 key};
    assert_int_equal(dkim_sign(&signer, fields, message, 1528637909, &out), OK);
    char *text = strdup(buf_text(&out));
    buf_fini(&out);
    dkim_key_destroy(&key);
    return text;
}

static void without_blanks(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (!strchr(" \r\n", *at)) {
            *to++ = *at;
        }
    }
    *to = '\0';
}

/* The value of a tag, without blanks. */
static char *tag_of(const char *field, const char *tag)
{
    char *copy = strdup(field);
    char name[16];
    without_blanks(copy);
    snprintf(name, sizeof name, ";%s=", tag);
    char *at = strstr(copy, name);
    assert_non_null(at);
    at += strlen(name);
    at[strcspn(at, ";")] = '\0';
    char *value = strdup(at);
    free(copy);
    return value;
}

static void expect_tag(const char *field, const char *tag, const char *expected)
{
    char *value = tag_of(field, tag);
    assert_string_equal(value, expected);
    free(value);
}

static void expect_lines_short(const char *field)
{
    for (const char *at = field; *at;) {
        size_t len = strcspn(at, "\r");
        assert_true(len <= 78);
        assert_memory_equal(at + len, "\r\n", 2);
        at += len + 2;
        assert_true(!*at || *at == ' ');
    }
}

static void ed25519_signs_as_published(void **state)
{
    (void)state;
    char *field = sign(DKIM_ED25519, published_fields, dinner);
    expect_tag(field, "a", "ed25519-sha256");
    expect_tag(field, "bh", "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    expect_tag(field, "b",
               "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq"
               "+eXdp1Q1Dw==");
    expect_lines_short(field);
    free(field);
}

static void rsa_signs_as_published(void **state)
{
    (void)state;
    char *field = sign(DKIM_RSA, published_fields, dinner);
    expect_tag(field, "a", "rsa-sha256");
    expect_tag(field, "h", "from:to:subject:date:message-id:from:subject:date");
    expect_tag(field, "b",
               "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo"
               "9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcU"
               "xZQ4FADY+8=");
    expect_lines_short(field);
    free(field);
}

/* --- what must not and what must change a signature ---------------------------------------------- */

static bool same_signature(const char *a, const char *b)
{
    char *first = sign(DKIM_ED25519, dkim_fields, a);
    char *second = sign(DKIM_ED25519, dkim_fields, b);
    bool same = strcmp(first, second) == 0;
    free(first);
    free(second);
    return same;
}

static void relaxed_means_blanks_and_folding(void **state)
{
    (void)state;
    assert_true(same_signature("From: a@b.c\r\nSubject: x y\r\n\r\nHi  you\r\n",
                               "FROM :\t a@b.c \r\nSubject:\r\n x\r\n\t y\r\n\r\nHi\tyou \t\r\n"));
    assert_true(
        same_signature("From: a@b.c\r\n\r\nHi\r\n", "From: a@b.c\r\n\r\nHi\r\n\r\n \r\n\r\n"));
    assert_false(same_signature("From: a@b.c\r\n\r\nHi\r\n", "From: a@b.c\r\n\r\n\r\nHi\r\n"));
    assert_false(same_signature("From: a@b.c\r\n\r\nHi\r\n", "From: a@b.c\r\n\r\n Hi\r\n"));
    assert_false(same_signature("From: a@b.c\r\n\r\na b\r\n", "From: a@b.c\r\n\r\nab\r\n"));
    assert_false(same_signature("From: a@b.c\r\nSubject: x\r\n\r\n\r\n",
                                "From: a@b.c\r\nSubject: X\r\n\r\n\r\n"));
    /* what is not signed may change on the way */
    assert_true(same_signature("From: a@b.c\r\n\r\nHi\r\n",
                               "Received: by x\r\nFrom: a@b.c\r\nX-Spam: no\r\n\r\nHi\r\n"));
}

static void an_empty_body_has_the_hash_of_nothing(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "\r\n", "\r\n\r\n", " \t\r\n\r\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char message[64];
        snprintf(message, sizeof message, "From: a@b.c\r\n\r\n%s", bodies[i]);
        char *field = sign(DKIM_RSA, dkim_fields, message);
        expect_tag(field, "bh", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        free(field);
    }
}

static void fields_are_signed_and_oversigned(void **state)
{
    (void)state;
    char *field =
        sign(DKIM_RSA, dkim_fields,
             "Date: now\r\nFrom: a@b.c\r\nTo: d@e.f\r\nSubject: s\r\nMessage-ID: <m@b.c>\r\n"
             "MIME-Version: 1.0\r\nList-Unsubscribe: <https://b.c/1>\r\n"
             "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
             "Content-Type: text/plain\r\nX-Other: x\r\n\r\nHi\r\n");
    expect_tag(field, "h",
               "from:to:subject:date:message-id:mime-version:content-type:list-unsubscribe:"
               "list-unsubscribe-post:from:to:subject:date");
    free(field);
    /* a second From, above or below, is another message */
    assert_false(same_signature("From: a@b.c\r\nTo: d@e.f\r\n\r\nHi\r\n",
                                "From: evil@b.c\r\nFrom: a@b.c\r\nTo: d@e.f\r\n\r\nHi\r\n"));
    assert_false(same_signature("From: a@b.c\r\nTo: d@e.f\r\n\r\nHi\r\n",
                                "From: a@b.c\r\nFrom: evil@b.c\r\nTo: d@e.f\r\n\r\nHi\r\n"));
}

static void what_is_no_message_is_not_signed(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "\r\n",
                                      "\r\n\r\n",
                                      "\r\nFrom: a\r\n\r\n",
                                      "From: a@b.c",
                                      "From: a@b.c\r\n",
                                      "From: a@b.c\r\n\r\nHi",
                                      "From: a@b.c\n\nHi\n",
                                      "From: a@b.c\r\n\r\nH\ri\r\n",
                                      "From: a@b.c\r\n\r\nH\ni\r\n",
                                      " From: a@b.c\r\n\r\nHi\r\n",
                                      "From a@b.c\r\n\r\nHi\r\n",
                                      ": a@b.c\r\n\r\nHi\r\n",
                                      "\nFrom: a@b.c\r\n\r\nHi\r\n"};
    struct dkim_key *key = read_key(DKIM_ED25519);
    struct dkim_signer signer = {"b.c", "s", key};
    struct buf out = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (dkim_sign(&signer, dkim_fields, bad[i], 1, &out) != FAULT_MALFORMED || out.len != 0) {
            fail_msg("signed: row %zu", i);
        }
    }
    dkim_key_destroy(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ed25519_signs_as_published),
        cmocka_unit_test(rsa_signs_as_published),
        cmocka_unit_test(relaxed_means_blanks_and_folding),
        cmocka_unit_test(an_empty_body_has_the_hash_of_nothing),
        cmocka_unit_test(fields_are_signed_and_oversigned),
        cmocka_unit_test(what_is_no_message_is_not_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
