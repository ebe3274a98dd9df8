/* stripe_table_test.c - what the doctor asks of Stripe is what the actors need of it: they are in
 * other libraries, so that their tables are read here as text. */
#include "../test.h"

#include "home.h"

#include <regex.h>

static const struct {
    const char *path, *right;
} reads[] = {
#define READ(path, right) {path, right},
#include "stripe_table.h"
};

static const char *const events[] = {
#define EVENT(type) type,
#include "stripe_table.h"
};

static char *text_of(const char *path)
{
    char *text = NULL;
    size_t len;
    assert_int_equal(home_read_file(path, 1 << 20, &text, &len), OK);
    return text;
}

/* "/v1/events" is read by the doctor, with that right. */
static bool is_read(const char *path, const char *right)
{
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        size_t len = strcspn(reads[i].path, "?");
        if (strlen(path) == len && strncmp(reads[i].path, path, len) == 0 &&
            strcmp(reads[i].right, right) == 0) {
            return true;
        }
    }
    return false;
}

static void every_list_that_is_swept_is_tried(void **state)
{
    (void)state;
    char *text = text_of(USHER_SOURCE "/actors/backfill/sweep_table.h");
    regex_t row;
    regmatch_t at[3];
    size_t rows = 0;
    assert_int_equal(regcomp(&row, "^X\\([^\n]*\"(/v1/[^\"]*)\"[^\n]*\"([^\"]*)\"\\)$",
                             REG_EXTENDED | REG_NEWLINE),
                     0);
    for (const char *from = text; regexec(&row, from, 3, at, 0) == 0; from += at[0].rm_eo) {
        char path[100], right[100];
        snprintf(path, sizeof path, "%.*s", (int)(at[1].rm_eo - at[1].rm_so), from + at[1].rm_so);
        snprintf(right, sizeof right, "%.*s", (int)(at[2].rm_eo - at[2].rm_so), from + at[2].rm_so);
        if (!is_read(path, right)) {
            fail_msg("%s (%s) is not in stripe_table.h", path, right);
        }
        rows++;
    }
    assert_true(rows >= 8);
    regfree(&row);
    free(text);
}

static void every_event_that_is_asked_for_means_something(void **state)
{
    (void)state;
    char *text = text_of(USHER_SOURCE "/actors/webhook/stripe_facts.c");
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        char *row = NULL;
        assert_true(asprintf(&row, "{\"%s\", ", events[i]) > 0);
        if (!strstr(text, row)) {
            fail_msg("%s", events[i]);
        }
        free(row);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_list_that_is_swept_is_tried),
        cmocka_unit_test(every_event_that_is_asked_for_means_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
