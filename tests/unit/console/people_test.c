/* people_test.c - links, passwords, roles, sessions and keys: who comes in, and who does not. */
#include "test.h"

#include "api_keys.h"
#include "people.h"
#include "sessions.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

static const int64_t NOW = INT64_C(1790000000000);
static const char GOOD[] = "correct horse battery";

static char *home;

static int open_vault(void **state)
{
    struct vault *vault;
    home = test_folder();
    assert_int_equal(vault_open(home, &vault), OK);
    *state = vault;
    return 0;
}

static int close_vault(void **state)
{
    struct vault *vault = *state;
    vault_close(&vault);
    test_rm_folder(&home);
    return 0;
}

static enum sign_in_word try_in(struct vault *vault, const char *name, const char *password,
                                const char *code, int64_t now_ms)
{
    struct sign_in said = {name, password, code, "10.0.0.9"};
    int wait_s = 0;
    return people_sign_in(vault, &said, now_ms, &wait_s);
}

static void make_owner(struct vault *vault)
{
    char token[PEOPLE_TOKEN_CHARS + 1];
    struct invitation invitation;
    const char *why;
    assert_int_equal(people_first_link(vault, NOW, token), OK);
    assert_int_equal(people_redeem(vault, token, "ada", GOOD, NOW, &invitation, &why), OK);
}

static void add_person(struct vault *vault, const char *name, enum role role)
{
    char token[PEOPLE_TOKEN_CHARS + 1];
    struct invitation invitation;
    const char *why;
    assert_int_equal(people_add(vault, name, role, NOW, token), OK);
    assert_int_equal(people_redeem(vault, token, "", GOOD, NOW, &invitation, &why), OK);
    assert_string_equal(invitation.name, name);
}

/* --- links ------------------------------------------------------------------------------------- */

static void check_first_owner(void **state)
{
    struct vault *vault = *state;
    char first[PEOPLE_TOKEN_CHARS + 1], second[PEOPLE_TOKEN_CHARS + 1];
    struct invitation invitation;
    struct person person;
    const char *why;
    assert_int_equal(people_first_link(vault, NOW, first), OK);
    assert_int_equal(people_first_link(vault, NOW, second), OK);
    assert_int_equal(people_invitation(vault, first, NOW, &invitation), FAULT_NOT_FOUND);
    assert_int_equal(people_invitation(vault, second, NOW, &invitation), OK);
    assert_true(invitation.first);
    assert_int_equal(people_invitation(vault, second, NOW + PEOPLE_LINK_MS, &invitation),
                     FAULT_NOT_FOUND);
    assert_int_not_equal(people_redeem(vault, second, "Ada!", GOOD, NOW, &invitation, &why), OK);
    assert_int_not_equal(people_redeem(vault, second, "ada", "short", NOW, &invitation, &why), OK);
    assert_int_equal(people_redeem(vault, second, "ada", GOOD, NOW, &invitation, &why), OK);
    assert_int_not_equal(people_redeem(vault, second, "eve", GOOD, NOW, &invitation, &why), OK);
    assert_int_equal(people_first_link(vault, NOW, first), FAULT_CONFLICT);
    assert_int_equal(people_find(vault, "ada", &person), OK);
    assert_int_equal(person.role, ROLE_OWNER);
    assert_false(person.invited);
}

static void check_bad_tokens(void **state)
{
    struct vault *vault = *state;
    static const char *const bad[] = {"",
                                      "a",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "../../../../etc/passwd",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                      "\xff\xff",
                                      "AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct invitation invitation;
        struct session session;
        struct api_key key;
        char usk[128];
        snprintf(usk, sizeof usk, "usk_%s", bad[i]);
        assert_int_equal(people_invitation(vault, bad[i], NOW, &invitation), FAULT_NOT_FOUND);
        assert_int_equal(sessions_check(vault, bad[i], NOW, &session), FAULT_NOT_FOUND);
        assert_int_equal(api_keys_check(vault, bad[i], NOW, &key), FAULT_NOT_FOUND);
        assert_int_equal(api_keys_check(vault, usk, NOW, &key), FAULT_NOT_FOUND);
    }
}

/* --- owners ------------------------------------------------------------------------------------ */

static void check_last_owner(void **state)
{
    struct vault *vault = *state;
    char token[PEOPLE_TOKEN_CHARS + 1];
    make_owner(vault);
    assert_int_equal(people_remove(vault, "ada"), FAULT_CONFLICT);
    assert_int_equal(people_set_role(vault, "ada", ROLE_VIEWER), FAULT_CONFLICT);
    assert_int_equal(people_invite(vault, "ada", NOW, token), FAULT_CONFLICT);
    assert_int_equal(people_add(vault, "ada", ROLE_VIEWER, NOW, token), FAULT_CONFLICT);
    /* One who was only invited cannot sign in, and so is no owner to rely on. */
    assert_int_equal(people_add(vault, "bob", ROLE_OWNER, NOW, token), OK);
    assert_int_equal(people_remove(vault, "ada"), FAULT_CONFLICT);
    add_person(vault, "cem", ROLE_OWNER);
    assert_int_equal(people_remove(vault, "ada"), OK);
    assert_int_equal(people_remove(vault, "ada"), FAULT_NOT_FOUND);
    assert_true(people_is_last_owner(vault, "cem"));
}

/* --- signing in -------------------------------------------------------------------------------- */

static void check_sign_in(void **state)
{
    struct vault *vault = *state;
    char token[PEOPLE_TOKEN_CHARS + 1];
    make_owner(vault);
    assert_int_equal(try_in(vault, "ada", GOOD, "", NOW), SIGN_IN_FINE);
    assert_int_equal(try_in(vault, "ada", "wrong password", "", NOW), SIGN_IN_WRONG);
    assert_int_equal(try_in(vault, "nobody", GOOD, "", NOW), SIGN_IN_WRONG);
    assert_int_equal(try_in(vault, "", "", "", NOW), SIGN_IN_WRONG);
    assert_int_equal(people_add(vault, "bob", ROLE_VIEWER, NOW, token), OK);
    assert_int_equal(try_in(vault, "bob", "", "", NOW), SIGN_IN_WRONG); /* has no password */
    /* Guesses from elsewhere hold her up nowhere but there. */
    for (int i = 0; i < 10; i++) {
        struct sign_in guess = {"ada", "wrong password", "", "10.6.6.6"};
        int wait_s;
        people_sign_in(vault, &guess, NOW, &wait_s);
    }
    struct sign_in guess = {"ada", GOOD, "", "10.6.6.6"};
    int wait_s = 0;
    assert_int_equal(people_sign_in(vault, &guess, NOW, &wait_s), SIGN_IN_WAIT);
    assert_true(wait_s > 0);
    assert_int_equal(try_in(vault, "ada", GOOD, "", NOW), SIGN_IN_FINE);
}

static void check_two_steps(void **state)
{
    struct vault *vault = *state;
    char secret[TOTP_SECRET_CHARS + 1], code[TOTP_DIGITS + 1], *uri = NULL;
    make_owner(vault);
    assert_int_equal(people_totp_start(vault, "ada", secret, &uri), OK);
    free(uri);
    assert_int_equal(try_in(vault, "ada", GOOD, "", NOW), SIGN_IN_FINE); /* not on yet */
    assert_int_equal(people_totp_confirm(vault, "ada", "000000", "10.0.0.9", NOW), FAULT_DENIED);
    int64_t step = NOW / 1000 / TOTP_STEP_S;
    assert_true(totp_code(secret, step, code));
    assert_int_equal(people_totp_confirm(vault, "ada", code, "10.0.0.9", NOW), OK);
    assert_int_equal(try_in(vault, "ada", GOOD, "", NOW), SIGN_IN_CODE);
    assert_int_equal(try_in(vault, "ada", GOOD, code, NOW), SIGN_IN_WRONG); /* it counted */
    assert_true(totp_code(secret, step + 1, code));
    assert_int_equal(try_in(vault, "ada", GOOD, code, NOW + TOTP_STEP_S * 1000), SIGN_IN_FINE);
    assert_int_equal(try_in(vault, "ada", GOOD, code, NOW + TOTP_STEP_S * 1000), SIGN_IN_WRONG);
    assert_int_equal(people_totp_start(vault, "ada", secret, &uri), FAULT_CONFLICT);
}

static void check_passwords(void **state)
{
    (void)state;
    char long_one[PASSWORDS_BYTES_MAX + 2], hash[PASSWORDS_HASH_BYTES];
    memset(long_one, 'a', sizeof long_one);
    long_one[sizeof long_one - 1] = '\0';
    assert_non_null(passwords_objection(""));
    assert_non_null(passwords_objection("ninechars"));
    assert_non_null(passwords_objection("Password123"));
    assert_non_null(passwords_objection("aaaaaaaaaaaaa"));
    assert_non_null(passwords_objection(long_one));
    assert_null(passwords_objection(GOOD));
    passwords_hash(GOOD, hash);
    assert_true(passwords_match(hash, GOOD));
    assert_false(passwords_match(hash, "correct horse batterx"));
    assert_false(passwords_match(NULL, GOOD));
    assert_false(passwords_match("not a hash", GOOD));
}

/* --- sessions ---------------------------------------------------------------------------------- */

static void check_sessions(void **state)
{
    struct vault *vault = *state;
    char token[SESSION_TOKEN_CHARS + 1], other[SESSION_TOKEN_CHARS + 1];
    struct session session, again;
    make_owner(vault);
    assert_int_equal(sessions_start(vault, "ada", "10.0.0.9", "Browser\n1", NOW, token), OK);
    assert_int_equal(sessions_check(vault, token, NOW, &session), OK);
    assert_string_equal(session.person, "ada");
    assert_int_equal(session.role, ROLE_OWNER);
    assert_int_equal(strlen(session.csrf), SHA256_HEX_CHARS);
    assert_null(strstr(token, session.id));
    assert_int_equal(sessions_start(vault, "ada", "10.0.0.9", "", NOW, other), OK);
    assert_int_equal(sessions_check(vault, other, NOW, &again), OK);
    assert_string_not_equal(session.csrf, again.csrf);
    /* idle, and in all */
    assert_int_equal(sessions_check(vault, token, NOW + SESSION_IDLE_MS + 1, &session),
                     FAULT_NOT_FOUND);
    for (int64_t at = NOW; at < NOW + SESSION_MAX_MS; at += SESSION_IDLE_MS - 1) {
        assert_int_equal(sessions_check(vault, token, at, &session), OK);
    }
    assert_int_equal(sessions_check(vault, token, NOW + SESSION_MAX_MS + 1, &session),
                     FAULT_NOT_FOUND);
    assert_int_equal(sessions_end_others(vault, "ada", again.id), OK);
    assert_int_equal(sessions_count(vault), 1);
    assert_int_equal(sessions_end(vault, again.id), OK);
    assert_int_equal(sessions_check(vault, other, NOW, &again), FAULT_NOT_FOUND);
}

static void check_session_ends_with_person(void **state)
{
    struct vault *vault = *state;
    char token[SESSION_TOKEN_CHARS + 1], link[PEOPLE_TOKEN_CHARS + 1];
    struct session session;
    make_owner(vault);
    add_person(vault, "bob", ROLE_OPERATOR);
    assert_int_equal(sessions_start(vault, "bob", "10.0.0.9", "", NOW, token), OK);
    assert_int_equal(people_set_role(vault, "bob", ROLE_VIEWER), OK);
    assert_int_equal(sessions_check(vault, token, NOW, &session), OK);
    assert_int_equal(session.role, ROLE_VIEWER); /* at once */
    assert_int_equal(people_invite(vault, "bob", NOW, link), OK);
    assert_int_equal(sessions_check(vault, token, NOW, &session), FAULT_NOT_FOUND);
    assert_int_equal(try_in(vault, "bob", GOOD, "", NOW), SIGN_IN_WRONG);
}

static void check_many_sessions(void **state)
{
    struct vault *vault = *state;
    char first[SESSION_TOKEN_CHARS + 1], token[SESSION_TOKEN_CHARS + 1];
    struct session session;
    make_owner(vault);
    assert_int_equal(sessions_start(vault, "ada", "a", "", NOW, first), OK);
    for (int i = 1; i <= SESSIONS_EACH_MAX; i++) {
        assert_int_equal(sessions_start(vault, "ada", "a", "", NOW + i, token), OK);
    }
    assert_int_equal(sessions_count(vault), SESSIONS_EACH_MAX);
    assert_int_equal(sessions_check(vault, first, NOW, &session), FAULT_NOT_FOUND);
    sessions_sweep(vault, NOW + 2 * SESSION_MAX_MS);
    assert_int_equal(sessions_count(vault), 0);
}

/* --- keys -------------------------------------------------------------------------------------- */

static void check_keys(void **state)
{
    struct vault *vault = *state;
    char token[API_KEY_CHARS + 1], id[API_KEY_ID_CHARS + 1];
    struct api_key key;
    api_keys_make(token, id);
    assert_int_equal(api_keys_check(vault, token, NOW, &key), FAULT_NOT_FOUND);
    assert_int_equal(api_keys_add(vault, token, "web app", SCOPE_ACCESS, "ada", NOW), OK);
    assert_int_equal(api_keys_check(vault, token, NOW, &key), OK);
    assert_string_equal(key.id, id);
    assert_int_equal(key.scopes, SCOPE_ACCESS);
    json_t *list = api_keys_list(vault);
    char *text = json_dumps(list, 0);
    assert_null(strstr(text, token)); /* shown once */
    free(text);
    json_decref(list);
    assert_int_equal(api_keys_remove(vault, id), OK);
    assert_int_equal(api_keys_check(vault, token, NOW, &key), FAULT_NOT_FOUND);
    assert_false(api_keys_name_is_good(""));
    assert_false(api_keys_name_is_good("a\nb"));
}

int main(void)
{
#define WITH_VAULT(test) cmocka_unit_test_setup_teardown(test, open_vault, close_vault)
    const struct CMUnitTest tests[] = {
        WITH_VAULT(check_first_owner),   WITH_VAULT(check_bad_tokens),
        WITH_VAULT(check_last_owner),    WITH_VAULT(check_sign_in),
        WITH_VAULT(check_two_steps),     cmocka_unit_test(check_passwords),
        WITH_VAULT(check_sessions),      WITH_VAULT(check_session_ends_with_person),
        WITH_VAULT(check_many_sessions), WITH_VAULT(check_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
