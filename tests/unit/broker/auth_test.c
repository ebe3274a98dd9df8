/* auth_test.c - the allow-list, and the decision at a handshake. */
#include "test.h"

#include "auth.h"
#include "home.h"
#include "peers.h"
#include "zap.h"

static void key_of(const char *home, const char *name, uint8_t key[AUTH_KEY_BYTES])
{
    zcert_t *cert;
    assert_int_equal(home_make_cert(home, name), OK);
    assert_int_equal(home_public_cert(home, name, &cert), OK);
    memcpy(key, zcert_public_key(cert), AUTH_KEY_BYTES);
    zcert_destroy(&cert);
}

static void keys_name_their_owner(void **state)
{
    (void)state;
    char *home = test_folder();
    uint8_t crm[32], ada[32], broker[32], ghost[32];
    key_of(home, "crm", crm);
    key_of(home, "people/ada", ada);
    key_of(home, "broker", broker);
    key_of(home, "ghost", ghost);
    struct auth *auth = auth_new(home);
    assert_int_equal(auth_count(auth), 2);
    assert_string_equal(peer_user_name(auth_user(auth, crm, 32)), "crm");
    assert_string_equal(peer_user_name(auth_user(auth, ada, 32)), "people/ada");
    assert_true(auth_holds(auth, auth_user(auth, crm, 32)));
    assert_null(auth_user(auth, broker, 32)); /* no row in the rights table */
    assert_null(auth_user(auth, ghost, 32));
    assert_null(auth_user(auth, crm, 31));
    assert_false(auth_holds(auth, "x crm"));
    auth_destroy(&auth);
    auth_destroy(&auth);
    test_rm_folder(&home);
}

static void the_list_follows_the_files(void **state)
{
    (void)state;
    char *home = test_folder();
    uint8_t crm[32], ada[32];
    struct auth *auth = auth_new(home);
    key_of(home, "crm", crm);
    assert_null(auth_user(auth, crm, 32));
    assert_true(auth_refresh(auth));
    assert_false(auth_refresh(auth));
    assert_non_null(auth_user(auth, crm, 32));
    key_of(home, "people/ada", ada);
    assert_true(auth_refresh(auth));
    assert_non_null(auth_user(auth, ada, 32));
    char *path = home_path(home, "keys/crm.pub");
    assert_int_equal(unlink(path), 0);
    assert_true(auth_refresh(auth));
    assert_null(auth_user(auth, crm, 32));
    test_write_file(home, "keys/crm.pub", "not a certificate\n");
    assert_true(auth_refresh(auth));
    assert_int_equal(auth_count(auth), 1);
    free(path);
    auth_destroy(&auth);
    test_rm_folder(&home);
}

static void a_key_of_two_names_is_nobodys(void **state)
{
    (void)state;
    char *home = test_folder();
    uint8_t crm[32];
    key_of(home, "crm", crm);
    char *from = home_path(home, "keys/crm.pub");
    char *to = home_path(home, "keys/ledger.pub");
    assert_int_equal(link(from, to), 0);
    struct auth *auth = auth_new(home);
    assert_null(auth_user(auth, crm, 32));
    free(from);
    free(to);
    auth_destroy(&auth);
    test_rm_folder(&home);
}

static void put(struct zap_request *request, size_t frame, const void *bytes, size_t len)
{
    memcpy(request->bytes[frame], bytes, len);
    request->len[frame] = len;
}

static void a_handshake_is_decided_by_all_its_frames(void **state)
{
    (void)state;
    char *home = test_folder();
    uint8_t crm[32], other[32] = {1};
    key_of(home, "crm", crm);
    struct auth *auth = auth_new(home);
    static const char *const good[] = {"1.0", "7", ZAP_DOMAIN, "", "", "CURVE"};
    for (int wrong = -1; wrong < 7; wrong++) {
        struct zap_request request = {.frames = 7};
        for (size_t i = 0; i < 6; i++) {
            put(&request, i, good[i], strlen(good[i]));
        }
        put(&request, 6, wrong == 6 ? other : crm, 32);
        if (wrong == 0 || wrong == 2 || wrong == 5) {
            put(&request, (size_t)wrong, "NULL", 4);
        }
        bool admitted = wrong != 0 && wrong != 2 && wrong != 5 && wrong != 6;
        assert_int_equal(zap_decide(auth, &request) != NULL, admitted);
        request.frames = 6;
        assert_null(zap_decide(auth, &request));
        request.frames = 8;
        assert_null(zap_decide(auth, &request));
    }
    auth_destroy(&auth);
    test_rm_folder(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_name_their_owner),
        cmocka_unit_test(the_list_follows_the_files),
        cmocka_unit_test(a_key_of_two_names_is_nobodys),
        cmocka_unit_test(a_handshake_is_decided_by_all_its_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
