/* protocol_test.c - PROTOCOL.md and the tables say the same. */
#include "test.h"

#include "events.h"
#include "fault.h"
#include "home.h"
#include "rights.h"
#include "wire.h"

static char *page;

static int read_page(void **state)
{
    size_t len;
    (void)state;
    return home_read_file(USHER_SOURCE "/schema/PROTOCOL.md", 1 << 20, &page, &len) == OK ? 0 : -1;
}

static int free_page(void **state)
{
    (void)state;
    free(page);
    return 0;
}

static void says(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!strstr(page, text)) {
        fail_msg("PROTOCOL.md does not say: %s", text);
    }
}

static void every_verb_is_there(void **state)
{
    (void)state;
    for (int i = 0; i < WIRE_VERB_COUNT; i++) {
        says("= \"%s\" ", wire_verb_name((enum wire_verb)i));
    }
}

static void every_fault_is_there(void **state)
{
    (void)state;
    for (int i = OK + 1; i < FAULT_COUNT; i++) {
        says("| `%s` | %s |", fault_name((enum fault)i),
             fault_again((enum fault)i) ? "temporary" : "permanent");
    }
}

static void every_right_is_there(void **state)
{
    (void)state;
    const struct rights *rights;
    for (size_t i = 0; (rights = rights_nth(i)); i++) {
        says("| `%s` | %s |", rights->name, rights->kinds);
        char row[64];
        snprintf(row, sizeof row, "| `%s` |", rights->name);
        const char *line = strstr(strstr(page, "## 6. Rights"), row);
        assert_non_null(line);
        size_t len = strcspn(line, "\n");
        const char *asks = rights->asks ? "| yes |" : "| no |";
        assert_true(len > 8 && strncmp(line + len - strlen(asks), asks, strlen(asks)) == 0);
        static const char *const common[] = {"member.*", "job.*", "admin.*", "target.*"};
        for (const char *at = rights->reads; *at; at += strcspn(at, " ") + (strchr(at, ' ') != 0)) {
            char pattern[80];
            snprintf(pattern, sizeof pattern, "`%.*s`", (int)strcspn(at, " "), at);
            bool as_crm = strstr(line, "as crm") && strstr(line, "as crm") < line + len;
            for (size_t j = 0; j < 4 && as_crm; j++) {
                if (strncmp(pattern + 1, common[j], strlen(common[j])) == 0) {
                    pattern[0] = '\0';
                }
            }
            bool all = strcmp(pattern, "`*`") == 0;
            const char *found = strstr(line, all ? "| all |" : pattern);
            assert_true(found && found < line + len);
        }
    }
}

static void the_limits_are_those(void **state)
{
    (void)state;
    assert_int_equal(WIRE_VERSION, 1);
    says("`version` in HELLO is %d", WIRE_VERSION);
    says("| frame | %d MiB", WIRE_MESSAGE_BYTES_MAX >> 20);
    says("| PUBLISH | %d events, %d KiB |", WIRE_PUBLISH_EVENTS_MAX, WIRE_PUBLISH_BYTES_MAX >> 10);
    says("| READ | %d events, %d KiB", WIRE_READ_EVENTS_MAX, WIRE_READ_BYTES_MAX >> 10);
    says("%d patterns", WIRE_TOPICS_MAX);
    says("| event | %d KiB; id, subject, cause, trace %d bytes; source, type, who %d bytes |",
         EVENT_BYTES_MAX >> 10, EVENT_ID_BYTES_MAX, EVENT_NAME_BYTES_MAX);
    says("| resend | %d ms", WIRE_RESEND_MS);
    says("| BEAT, heartbeat bell | every %d ms |", WIRE_HEARTBEAT_MS);
    says("ms, 1 to %d", WIRE_ASK_MS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_is_there),
        cmocka_unit_test(every_fault_is_there),
        cmocka_unit_test(every_right_is_there),
        cmocka_unit_test(the_limits_are_those),
    };
    return cmocka_run_group_tests(tests, read_page, free_page);
}
