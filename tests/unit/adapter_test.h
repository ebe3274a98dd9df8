/* adapter_test.h - an adapter as a table of bytes: rows of request and answer. */
#ifndef USHER_ADAPTER_TEST_H
#define USHER_ADAPTER_TEST_H

#include "test.h"

#include "adapter.h"

/* What the adapter sends: method, URL, headers, user and body in one text. */
static inline char *test_request(const struct adapter *adapter, const struct task *task, int step)
{
    struct call call = {0};
    struct buf out = {0};
    enum fault fault = adapter->request(task, step, &call);
    if (fault != OK) {
        buf_printf(&out, "fault %s", fault_name(fault));
    } else {
        buf_printf(&out, "%s %s\n%s", call.method, buf_text(&call.url), buf_text(&call.headers));
        if (call.user.len > 0) {
            buf_printf(&out, "user %s:%s\n", buf_text(&call.user), buf_text(&call.password));
        }
        buf_add_text(&out, buf_text(&call.body));
    }
    char *text = strdup(buf_text(&out));
    buf_fini(&out);
    call_fini(&call);
    return text;
}

/* What it makes of an answer; `learned` is added to. */
static inline struct verdict test_outcome(const struct adapter *adapter, const struct task *task,
                                          int step, int status, const char *body)
{
    struct answer answer = {.fault = status > 0 ? OK : FAULT_TIMEOUT,
                            .sent = true,
                            .status = status,
                            .body = body,
                            .len = strlen(body),
                            .words = ""};
    struct verdict verdict = {.learned = (json_t *)task->learned};
    adapter->outcome(task, step, &answer, &verdict);
    return verdict;
}

static inline struct settings *test_settings(const char *home, const struct setting *table,
                                             const char *text)
{
    const struct setting *const tables[] = {table, NULL};
    struct settings *settings = NULL;
    struct buf why = {0};
    test_write_file(home, "usher.cfg", text);
    if (settings_load(home, "usher.cfg", tables, &settings, &why) != OK) {
        fail_msg("%s", buf_text(&why));
    }
    buf_fini(&why);
    return settings;
}

#endif
