/* The secrets of a home with several sources and hooks: each has an id and a file of its own. */
#include "test.h"

#include "home.h"
#include "secrets.h"
#include "values.h"

#include <sys/stat.h>

static const char config[] = "webhook\n"
                             "    payment\n"
                             "        provider = stripe\n"
                             "    payment\n"
                             "        provider = paddle\n"
                             "        name = sandbox\n"
                             "    mail\n"
                             "        provider = resend\n"
                             "        secret = \"file:secrets/bounces\"\n"
                             "crm\n"
                             "    provider = local\n"
                             "alert\n"
                             "    hook\n"
                             "        provider = local\n"
                             "    hook\n"
                             "        provider = pagerduty\n"
                             "        key = \"file:secrets/pager\"\n";

static char *content(const char *home, const char *name)
{
    char *path = home_path(home, "secrets/%s", name), *text = NULL;
    size_t len;
    if (home_read_file(path, 4096, &text, &len) != OK) {
        text = NULL;
    }
    free(path);
    return text;
}

static void test_each_has_its_own(void **state)
{
    (void)state;
    char *home = test_folder(), *folder = home_path(home, "secrets");
    test_write_file(home, "usher.cfg", config);
    assert_int_equal(mkdir(folder, 0700), 0);
    json_t *list = secrets_list(home);
    struct buf ids = {0};
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        buf_printf(&ids, "%s of %s\n", tree_text(one, "id"), tree_text(one, "provider"));
        assert_true(tree_flag(one, "rotatable"));
    }
    assert_string_equal(buf_text(&ids), "webhook/payment/secret of stripe\n"
                                        "webhook/payment#2/secret of sandbox\n"
                                        "webhook/mail/secret of resend\n"
                                        "alert/hook#2/key of pagerduty\n");
    buf_fini(&ids);
    json_decref(list);

    static const struct {
        const char *id, *file;
    } rows[] = {{"webhook/payment/secret", "stripe"},
                {"webhook/payment#2/secret", "sandbox"},
                {"webhook/mail/secret", "bounces"},
                {"alert/hook#2/key", "pager"}};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        assert_int_equal(secrets_rotate(home, rows[row].id, "a-new-secret"), OK);
        char *text = content(home, rows[row].file);
        assert_string_equal(text, "a-new-secret\n");
        free(text);
    }
    /* what checks others' signatures keeps the old one; what we call with does not */
    assert_int_equal(secrets_rotate(home, "webhook/payment#2/secret", "a-newer-secret"), OK);
    assert_int_equal(secrets_rotate(home, "alert/hook#2/key", "a-newer-secret"), OK);
    char *kept = content(home, "sandbox"), *replaced = content(home, "pager");
    assert_string_equal(kept, "a-newer-secret\na-new-secret\n");
    assert_string_equal(replaced, "a-newer-secret\n");
    free(kept);
    free(replaced);
    assert_int_equal(secrets_retire(home, "webhook/payment#2/secret"), OK);
    kept = content(home, "sandbox");
    assert_string_equal(kept, "a-newer-secret\n");
    free(kept);
    assert_int_equal(secrets_rotate(home, "webhook/payment#17/secret", "a-new-secret"),
                     FAULT_NOT_FOUND);
    assert_int_equal(secrets_rotate(home, "webhook/payment#2", "a-new-secret"), FAULT_NOT_FOUND);
    free(folder);
    test_rm_folder(&home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_has_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
