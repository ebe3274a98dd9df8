/* dkim_key_test.c - keys that sign mail: read, refused in plain words, published. */
#include "../test.h"

#include "dkim_key.h"

/* Of RFC 8463, appendix A. */
static const char ed25519_pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

/* Made for this test, with a password. */
static const char locked_pem[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgUjZz7NNPLMwICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEEKlJygkVolHvSTnOFN4M+QEQLjV\n"
    "JlRu3b5J5vtnMNvxvxt/oMtjOaHMr7eCkv4+HdRcouNZZsHvE5OHx3ZriAIwNWIH\n"
    "INPiks2mLIsSUuX/cTs=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static const char public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                                 "-----END PUBLIC KEY-----\n";

static const char small_rsa_pem[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBOwIBAAJBAKwYe8ljoMTv+Znw1uiVg3Yn2guiAcJhAveBafPN6yYbmtcoV5dn\n"
    "gezSxD0m04hU59awm0hXegwG57csZrIsnesCAwEAAQJBAKKz4xRbZLvMRacM06HA\n"
    "+TDULImi+RbUsQFfENS3cgHrumjoDH0eI+teu0tfLtYzAuB+8p30KLY9+hODRC61\n"
    "RYECIQDT6UZbHtEiBkUACJU6wzCkzKr4+vm7UWxOX4FPttxPYwIhAM/mkVii2iFS\n"
    "7O7m4fDeYw8p4MyoGnQVgbVVKs9hJVHZAiEAt9nsw4OSF/3ugV/w8MGGA4TaVReR\n"
    "8TVsTPbJPvq8W1cCIDtK89sGnxVv9Bjyii/LDQ9vDyjvLJQ86gBQaOQ6PY2JAiA7\n"
    "H/tGpCIR5YeGkXGzh0RR1rNSmz7yrX5p6PsIpA5hbQ==\n"
    "-----END RSA PRIVATE KEY-----\n";

static void refused(enum dkim_kind kind, const char *pem, const char *words)
{
    struct dkim_key *key = NULL;
    struct buf why = {0};
    assert_int_equal(dkim_key_read(kind, pem, &key, &why), FAULT_CONFIG);
    assert_null(key);
    if (!strstr(buf_text(&why), words)) {
        fail_msg("expected \"%s\" in \"%s\"", words, buf_text(&why));
    }
    buf_fini(&why);
}

static void bad_keys_are_told_in_plain_words(void **state)
{
    (void)state;
    refused(DKIM_RSA, "", "not a private key");
    refused(DKIM_RSA, "hunter2", "not a private key");
    refused(DKIM_RSA, "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n",
            "not a private key");
    refused(DKIM_RSA, public_pem, "this is the public key");
    refused(DKIM_RSA, ed25519_pem, "expected an RSA key, this is ED25519");
    refused(DKIM_ED25519, small_rsa_pem, "expected an Ed25519 key, this is RSA");
    refused(DKIM_RSA, small_rsa_pem, "of 1024 to 4096 bits (2048 is usual), this has 512");
    refused(DKIM_ED25519, locked_pem, "the key has a password");
}

static void the_record_of_the_published_key(void **state)
{
    (void)state;
    struct dkim_key *key = NULL;
    struct buf out = {0};
    assert_int_equal(dkim_key_read(DKIM_ED25519, ed25519_pem, &key, &out), OK);
    dkim_record(key, &out);
    assert_string_equal(buf_text(&out),
                        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert_true(dkim_record_fits(key, buf_text(&out)));
    assert_true(dkim_record_fits(key, "p = 11qYAYKxCrfVS/7TyWQHOg7hcvPap iMlrwIaaPcHURo=; "
                                      "k=ed25519 ;t=s;v=DKIM1"));
    static const char *const others[] = {
        "",
        "p",
        "p=",
        "v=DKIM1; k=ed25519; p=",
        "v=spf1 -all",
        "v=DKIM1; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", /* k=rsa when not said */
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURp=",
        "v=DKIM1; k=ed25519; x=p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(dkim_record_fits(key, others[i]));
    }
    dkim_key_destroy(&key);
    buf_fini(&out);
}

static void a_made_key_is_read_again_and_its_record_is_split(void **state)
{
    (void)state;
    for (int kind = 0; kind < DKIM_KIND_COUNT; kind++) {
        struct dkim_key *made = dkim_key_make((enum dkim_kind)kind);
        struct dkim_key *read = NULL;
        struct buf pem = {0}, record = {0}, line = {0}, why = {0}, first = {0}, second = {0};
        dkim_key_pem(made, &pem);
        assert_int_equal(dkim_key_read((enum dkim_kind)kind, buf_text(&pem), &read, &why), OK);
        dkim_record(made, &record);
        assert_true(dkim_record_fits(read, buf_text(&record)));
        dkim_key_sign(made, (struct slice){"abc", 3}, &first);
        dkim_key_sign(read, (struct slice){"abc", 3}, &second);
        assert_string_equal(buf_text(&first), buf_text(&second));
        dkim_record_line("example.com", "usher", buf_text(&record), &line);
        const char *at = strchr(buf_text(&line), '"');
        assert_memory_equal(line.bytes, "usher._domainkey.example.com. IN TXT \"v=DKIM1; k=", 49);
        for (size_t rest = record.len; rest > 0;) {
            size_t len = strcspn(at + 1, "\"");
            assert_true(len == (rest < 255 ? rest : 255));
            assert_memory_equal(at + 1, record.bytes + record.len - rest, len);
            rest -= len;
            at += len + 2;
            assert_true(rest > 0 ? strncmp(at++, " \"", 2) == 0 : !*at);
        }
        dkim_key_destroy(&made);
        dkim_key_destroy(&read);
        struct buf *all[] = {&pem, &record, &line, &why, &first, &second};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            buf_fini(all[i]);
        }
    }
}

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"example.com", "a", "usher-1", "a.b-c.d", "2026"};
    static const char *const bad[] = {"",    ".",      ".a",       "a.",   "a..b",
                                      "-a",  "a-",     "a.-b",     "a-.b", "a b",
                                      "a;b", "a\r\nb", "\xc3\xab", "a_b",  "a:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(dkim_name_good(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (dkim_name_good(bad[i])) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    char label[80];
    memset(label, 'a', sizeof label);
    label[64] = '\0';
    assert_false(dkim_name_good(label));
    label[63] = '\0';
    assert_true(dkim_name_good(label));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_keys_are_told_in_plain_words),
        cmocka_unit_test(the_record_of_the_published_key),
        cmocka_unit_test(a_made_key_is_read_again_and_its_record_is_split),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
