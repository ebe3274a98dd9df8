/* base_test.c - faults, time, digests, files and keys: the small things everything stands on. */
#include "test.h"

#include "buf.h"
#include "clock.h"
#include "digest.h"
#include "fault.h"
#include "home.h"

#include <errno.h>
#include <sys/stat.h>

static void fault_names_go_both_ways(void **state)
{
    (void)state;
    assert_string_equal(fault_name(FAULT_TOO_LARGE), "too_large");
    for (int i = 0; i < FAULT_COUNT; i++) {
        assert_int_equal(fault_from_name(fault_name((enum fault)i)), i);
        assert_non_null(fault_words((enum fault)i));
    }
    assert_int_equal(fault_from_name("nonsense"), FAULT_MALFORMED);
    assert_true(fault_again(FAULT_FULL));
    assert_false(fault_again(FAULT_CORRUPT));
    assert_false(fault_again(OK));
    assert_int_equal(fault_from_errno(ENOSPC), FAULT_FULL);
    assert_int_equal(fault_from_errno(EIO), FAULT_IO);
}

static void times_are_rfc3339(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1795428000000, "2026-11-23T10:00:00Z"},
        {1795428000007, "2026-11-23T10:00:00.007Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[CLOCK_TEXT_BYTES];
        int64_t ms;
        assert_string_equal(clock_rfc3339(rows[i].ms, text), rows[i].text);
        assert_true(clock_parse(rows[i].text, &ms));
        assert_int_equal(ms, rows[i].ms);
    }
    int64_t ms;
    assert_true(clock_parse("2026-11-23T12:30:00+02:30", &ms));
    assert_int_equal(ms, 1795428000000);
    assert_true(clock_parse("1700000000", &ms));
    assert_int_equal(ms, 1700000000000);
    assert_false(clock_parse("yesterday", &ms));
    assert_false(clock_parse("2026-11-23T10:00:00", &ms));
    assert_false(clock_parse("2026-11-23T10:00:00Zx", &ms));
}

static void durations_have_units(void **state)
{
    (void)state;
    int64_t ms;
    assert_true(clock_parse_duration("250ms", &ms) && ms == 250);
    assert_true(clock_parse_duration("72h", &ms) && ms == 72 * 3600000);
    assert_true(clock_parse_duration("0s", &ms) && ms == 0);
    static const char *const wrong[] = {"", "5", "s", "-5s", "5 s", "5w", "99999999999999999d"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(clock_parse_duration(wrong[i], &ms));
    }
}

static void digests_match_published_vectors(void **state)
{
    (void)state;
    uint8_t digest[SHA256_BYTES];
    char text[SHA256_HEX_CHARS + 1];
    sha256("abc", 3, digest); /* FIPS 180-4, appendix B.1 */
    hex_encode(digest, sizeof digest, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct slice part[] = {{"what do ya want ", 16}, {"for nothing?", 12}};
    hmac_sha256((struct slice){"Jefe", 4}, part, 2, digest); /* RFC 4231, test case 2 */
    hex_encode(digest, sizeof digest, text);
    assert_string_equal(text, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    uint8_t key[131], back[SHA256_BYTES];
    memset(key, 0xaa, sizeof key); /* RFC 4231, test case 6: a key longer than a block */
    struct slice data = {"Test Using Larger Than Block-Size Key - Hash Key First", 54};
    hmac_sha256((struct slice){key, sizeof key}, &data, 1, digest);
    hex_encode(digest, sizeof digest, text);
    assert_string_equal(text, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_true(hex_decode(text, strlen(text), back, sizeof back));
    md5("message digest", 14, key); /* RFC 1321, appendix A.5 */
    hex_encode(key, MD5_BYTES, text);
    assert_string_equal(text, "f96b697d7cb7938d525a2f31aaf161d0");
    assert_true(digest_same(back, digest, sizeof digest));
    assert_false(hex_decode("zz", 2, back, 1));
    assert_false(hex_decode("abc", 3, back, 1));
}

static void base64_goes_both_ways(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) { /* RFC 4648, section 10 */
        char text[16];
        uint8_t bytes[16];
        size_t len = sizeof bytes;
        base64_encode(rows[i][0], strlen(rows[i][0]), text);
        assert_string_equal(text, rows[i][1]);
        assert_true(base64_decode(text, bytes, &len));
        assert_int_equal(len, strlen(rows[i][0]));
        assert_memory_equal(bytes, rows[i][0], len);
    }
    uint8_t bytes[16];
    size_t len = sizeof bytes;
    assert_false(base64_decode("Zg=", bytes, &len));
    assert_false(base64_decode("!!!!", bytes, &len));
    len = 1;
    assert_false(base64_decode("Zm9v", bytes, &len));
}

static void files_are_whole_or_not_there(void **state)
{
    (void)state;
    char *folder = test_folder();
    char *path = home_path(folder, "a/b");
    assert_int_equal(home_folder(path), OK);
    char *file = home_path(path, "text");
    assert_int_equal(home_write_file(file, "hello", 5, 0600), OK);
    assert_int_equal(home_write_file(file, "other", 5, 0600), OK);
    char *text;
    size_t len;
    assert_int_equal(home_read_file(file, 5, &text, &len), OK);
    assert_string_equal(text, "other");
    free(text);
    assert_int_equal(home_read_file(file, 4, &text, &len), FAULT_TOO_LARGE);
    struct stat info;
    assert_int_equal(stat(file, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    free(file);
    free(path);
    test_rm_folder(&folder);
}

static void keys_are_made_once(void **state)
{
    (void)state;
    char *home = test_folder();
    zcert_t *first, *again, *public;
    assert_int_equal(home_make_cert(home, "crm"), OK);
    assert_int_equal(home_cert(home, "crm", &first), OK);
    assert_int_equal(home_make_cert(home, "crm"), OK);
    assert_int_equal(home_cert(home, "crm", &again), OK);
    assert_true(zcert_eq(first, again));
    assert_int_equal(home_public_cert(home, "crm", &public), OK);
    assert_string_equal(zcert_public_txt(public), zcert_public_txt(first));
    zcert_t *absent;
    assert_int_equal(home_cert(home, "nobody", &absent), FAULT_NOT_FOUND);
    assert_null(absent);
    char *path = home_path(home, "keys/crm.key");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    free(path);
    zcert_destroy(&first);
    zcert_destroy(&again);
    zcert_destroy(&public);
    test_rm_folder(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault_names_go_both_ways),
        cmocka_unit_test(times_are_rfc3339),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(digests_match_published_vectors),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(files_are_whole_or_not_there),
        cmocka_unit_test(keys_are_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
