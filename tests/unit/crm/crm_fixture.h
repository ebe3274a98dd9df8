/* crm_fixture.h - one member's task for the unit tests of adapters. */
#ifndef USHER_CRM_FIXTURE_H
#define USHER_CRM_FIXTURE_H

#include "../adapter_test.h"

#include "crm.h"

struct fixture {
    char *home;
    struct settings *settings;
    json_t *payload;
    json_t *learned;
    struct task task;
};

static inline struct fixture *fixture_new(const struct setting *rows, const char *settings,
                                          const char *secret)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->home = test_folder();
    f->settings = test_settings(f->home, rows, settings);
    f->payload =
        json_pack("{s:{s:s, s:s, s:s, s:s, s:b, s:[s], s:[sss]}}", "document", "id", "mem_1",
                  "email", "Ada@Example.com", "name", "Ada King Lovelace", "state", "active",
                  "access", 1, "tags", "member", "all_tags", "member", "trial", "refunded");
    f->learned = json_object();
    f->task = (struct task){.key = "crm:mem_1",
                            .kind = "contact",
                            .member = "mem_1",
                            .version = 3,
                            .attempt = 1,
                            .payload = f->payload,
                            .learned = f->learned,
                            .secret = secret,
                            .settings = f->settings};
    return f;
}

static inline int fixture_free(void **state)
{
    struct fixture *f = *state;
    settings_destroy(&f->settings);
    json_decref(f->payload);
    json_decref(f->learned);
    test_rm_folder(&f->home);
    free(f);
    return 0;
}

static inline void sends(const struct adapter *adapter, struct fixture *f, int step,
                         const char *expected)
{
    char *text = test_request(adapter, &f->task, step);
    assert_string_equal(text, expected);
    free(text);
}

/* The step that the adapter goes on with; -1: it does not. */
static inline int steps(const struct adapter *adapter, struct fixture *f, int step, int status,
                        const char *body)
{
    struct verdict verdict = test_outcome(adapter, &f->task, step, status, body);
    return verdict.kind == VERDICT_STEP ? verdict.step : -1;
}

struct answer_row {
    int step;
    int status;
    const char *body;
    enum verdict_kind kind;
    bool ambiguous;
    const char *words;
};

static inline void classified(const struct adapter *adapter, struct fixture *f,
                              const struct answer_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct verdict verdict =
            test_outcome(adapter, &f->task, rows[i].step, rows[i].status, rows[i].body);
        if (verdict.kind != rows[i].kind || verdict.ambiguous != rows[i].ambiguous ||
            !strstr(verdict.words, rows[i].words)) {
            fail_msg("row %zu: verdict %d, \"%s\"", i, (int)verdict.kind, verdict.words);
        }
        assert_null(strcasestr(verdict.words, "ada@"));
    }
}

struct look_row {
    int status;
    const char *body;
    enum verdict_kind kind;
    const char *words;
};

static inline void looks(const struct adapter *adapter, struct fixture *f,
                         const struct look_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct answer answer = {.status = rows[i].status,
                                .sent = true,
                                .body = rows[i].body,
                                .len = strlen(rows[i].body),
                                .words = ""};
        struct verdict verdict = {.learned = f->learned};
        adapter->looked(&f->task, 0, &answer, &verdict);
        if (verdict.kind != rows[i].kind || !strstr(verdict.words, rows[i].words)) {
            fail_msg("look %zu: verdict %d, \"%s\"", i, (int)verdict.kind, verdict.words);
        }
    }
}

#endif
