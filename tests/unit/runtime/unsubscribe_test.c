/* unsubscribe_test.c - tokens that nobody can guess or make, and the key they come from. */
#include "../test.h"

#include "unsubscribe.h"

#include <sys/stat.h>

static const struct unsubscribe_key key = {.bytes = {1, 2, 3}};

static void a_token_names_an_address_to_who_has_the_key(void **state)
{
    (void)state;
    char token[UNSUBSCRIBE_TOKEN_CHARS + 1];
    char same[UNSUBSCRIBE_TOKEN_CHARS + 1];
    char id[UNSUBSCRIBE_ID_CHARS + 1];
    char wanted[UNSUBSCRIBE_ID_CHARS + 1];
    unsubscribe_token(&key, "ada@example.org", token);
    unsubscribe_token(&key, "Ada@Example.ORG", same);
    assert_string_equal(token, same);
    assert_true(unsubscribe_check(&key, token, id));
    unsubscribe_id(&key, "ada@example.org", wanted);
    assert_string_equal(id, wanted);
    unsubscribe_token(&key, "eve@example.org", same);
    assert_string_not_equal(token, same);
}

static void nothing_else_is_a_token(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "0", "token", "../../etc/passwd", "zz"};
    char token[UNSUBSCRIBE_TOKEN_CHARS + 8];
    char id[UNSUBSCRIBE_ID_CHARS + 1];
    struct unsubscribe_key other = key;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(unsubscribe_check(&key, bad[i], id));
    }
    unsubscribe_token(&key, "ada@example.org", token);
    for (size_t i = 0; i < UNSUBSCRIBE_TOKEN_CHARS; i++) {
        char was = token[i];
        token[i] = was == 'a' ? 'b' : 'a';
        assert_false(unsubscribe_check(&key, token, id));
        token[i] = 'g';
        assert_false(unsubscribe_check(&key, token, id));
        token[i] = was;
    }
    other.bytes[31] = 1;
    assert_false(unsubscribe_check(&other, token, id));
    strcat(token, "0");
    assert_false(unsubscribe_check(&key, token, id));
    token[UNSUBSCRIBE_TOKEN_CHARS - 1] = '\0';
    assert_false(unsubscribe_check(&key, token, id));
}

static void the_key_is_made_once(void **state)
{
    (void)state;
    char *home = test_folder();
    char *path = NULL;
    struct stat info;
    struct unsubscribe_key first, second;
    assert_int_equal(unsubscribe_key_open(home, false, &first), FAULT_NOT_FOUND);
    assert_int_equal(unsubscribe_key_open(home, true, &first), OK);
    assert_int_equal(unsubscribe_key_open(home, true, &second), OK);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(unsubscribe_key_open(home, false, &second), OK);
    assert_memory_equal(&first, &second, sizeof first);
    assert_true(asprintf(&path, "%s/secrets", home) > 0);
    test_write_file(path, "unsubscribe", "hunter2\n");
    assert_int_equal(unsubscribe_key_open(home, true, &second), FAULT_CONFIG);
    free(path);
    assert_true(asprintf(&path, "%s/secrets/unsubscribe", home) > 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unsubscribe_key_open(home, true, &second), OK);
    assert_memory_not_equal(&first, &second, sizeof first);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    free(path);
    test_rm_folder(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_names_an_address_to_who_has_the_key),
        cmocka_unit_test(nothing_else_is_a_token),
        cmocka_unit_test(the_key_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
