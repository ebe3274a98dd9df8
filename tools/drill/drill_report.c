#include "drill_core.h"

#include "digest.h"
#include "home.h"
#include "must.h"
#include "values.h"
#include "wall.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20, DAY_CHARS = 10, WORDS_CHARS_MAX = 400 };

/* --- the tree ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The nearest rank. */
int64_t drill_effects_p95(struct drill *drill)
{
    size_t count = drill->effect_count;
    if (count == 0) {
        return -1;
    }
    qsort(drill->effects_ms, count, sizeof *drill->effects_ms, compare);
    return drill->effects_ms[(count * 95 + 99) / 100 - 1];
}

/* Of usher.cfg and rules.cfg as the founder has them: what was drilled. */
static void digest_config(const char *home, char hex[SHA256_HEX_CHARS + 1])
{
    static const char *const names[] = {"usher.cfg", "rules.cfg"};
    struct slice parts[2] = {{"", 0}, {"", 0}};
    char *texts[2] = {NULL, NULL};
    uint8_t hash[SHA256_BYTES];
    for (size_t i = 0; i < 2; i++) {
        char *path = home_path(home, "%s", names[i]);
        size_t len;
        if (home_read_file(path, CONFIG_BYTES_MAX, &texts[i], &len) == OK) {
            parts[i] = (struct slice){texts[i], len};
        }
        free(path);
    }
    sha256_parts(parts, 2, hash);
    hex_encode(hash, sizeof hash, hex);
    free(texts[0]);
    free(texts[1]);
}

static json_t *targets_of(const struct drill *drill)
{
    json_t *targets = json_array();
    for (size_t i = 0; i < drill->home.stand_count; i++) {
        const struct stand *stand = drill->home.stands[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:I, s:I}", "actor", stand->kind->actor, "provider",
                      stand->kind->provider, "slot", stand->slot, "calls", (json_int_t)stand->calls,
                      "seen", (json_int_t)json_array_size(stand->seen));
        MUST(one && json_array_append_new(targets, one) == 0);
    }
    return targets;
}

static bool all_passed(const json_t *cases)
{
    bool passed = json_array_size(cases) > 0;
    size_t i;
    json_t *one;
    json_array_foreach(cases, i, one)
    {
        const char *result = tree_text(one, "result");
        passed = passed && (strcmp(result, "passed") == 0 || strcmp(result, "not_applicable") == 0);
    }
    return passed;
}

json_t *drill_report_new(struct drill *drill, int64_t started_ms)
{
    char date[CLOCK_TEXT_BYTES], digest[SHA256_HEX_CHARS + 1];
    digest_config(drill->options->home, digest);
    clock_rfc3339(clock_wall_ms() / 1000 * 1000, date);
    json_t *numbers = json_pack(
        "{s:I, s:i, s:I, s:I, s:i, s:i, s:I, s:I}", "record_ms_max",
        (json_int_t)drill->record_ms_max, "record_ms_limit", DRILL_RECORD_MS_MAX, "refund_ms",
        (json_int_t)drill->refund_ms_max, "effects_ms_p95", (json_int_t)drill_effects_p95(drill),
        "effects_ms_limit", DRILL_EFFECT_MS_MAX, "effects", (int)drill->effect_count, "replays",
        (json_int_t)drill->replays, "duplicates", (json_int_t)drill->duplicates);
    json_t *report = json_pack(
        "{s:s, s:s, s:s, s:b, s:f, s:s, s:O, s:o, s:o, s:O, s:O}", "date", date, "version",
        USHER_VERSION, "config_digest", digest, "passed", all_passed(drill->cases), "seconds",
        (double)(clock_mono_ms() - started_ms) / 1000, "home", drill->options->home, "cases",
        drill->cases, "numbers", numbers, "targets", targets_of(drill), "changed",
        drill->home.changed, "not_drilled", drill->home.not_drilled);
    MUST(report);
    tree_set_text(report, "only", drill->options->only);
    tree_set(report, "network",
             json_pack("{s:b, s:o}", "sealed", drill->sealed, "attempts",
                       drill->sealed ? json_integer(wall_attempts()) : json_null()));
    return report;
}

/* --- for people ----------------------------------------------------------------------------- */

static const struct {
    const char *result;
    const char *shown;
} results[] = {
    {"passed", "PASS"}, {"failed", "FAIL"}, {"not_run", "NOT RUN"}, {"not_applicable", "n/a"}};

static const char *shown_result(const char *result)
{
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        if (strcmp(results[i].result, result) == 0) {
            return results[i].shown;
        }
    }
    return result;
}

static const char *paint_of(const struct drill_paint *paint, const char *result)
{
    bool good = strcmp(result, "passed") == 0, dim = strcmp(result, "not_applicable") == 0;
    return good ? paint->good : dim ? paint->dim : paint->bad;
}

/* The longest time of the case's checks of one sort: records have a limit, effects have none. */
static int64_t slowest(const json_t *checks, bool limited)
{
    int64_t ms = -1;
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
    {
        bool timed = json_is_integer(tree_get(check, "ms"));
        if (timed && json_is_integer(tree_get(check, "limit_ms")) == limited) {
            ms = tree_int(check, "ms") > ms ? tree_int(check, "ms") : ms;
        }
    }
    return ms;
}

static void add_ms(struct buf *out, int64_t ms)
{
    char text[24] = "-";
    if (ms >= 0) {
        snprintf(text, sizeof text, "%lld ms", (long long)ms);
    }
    buf_printf(out, "%9s  ", text);
}

static void add_cases(const json_t *cases, const struct drill_paint *paint, struct buf *out)
{
    size_t i;
    json_t *one;
    buf_printf(out, "%s%-17s %-8s%9s  %9s  %6s%s\n", paint->dim, "CASE", "RESULT", "RECORD",
               "EFFECTS", "CHECKS", paint->none);
    json_array_foreach(cases, i, one)
    {
        const char *result = tree_text(one, "result"), *words = tree_text(one, "words");
        const json_t *checks = tree_get(one, "checks");
        buf_printf(out, "%-17s %s%-8s%s", tree_text(one, "title"), paint_of(paint, result),
                   shown_result(result), paint->none);
        add_ms(out, slowest(checks, true));
        add_ms(out, slowest(checks, false));
        buf_printf(out, "%6zu%s%.*s\n", json_array_size(checks), *words ? "  " : "",
                   WORDS_CHARS_MAX, words);
    }
}

static void add_failures(const json_t *cases, struct buf *out)
{
    size_t i, j;
    json_t *one, *check;
    json_array_foreach(cases, i, one)
    {
        json_array_foreach(tree_get(one, "checks"), j, check)
        {
            if (!tree_flag(check, "passed")) {
                buf_printf(out, "failed: %s: %s: %.*s\n", tree_text(one, "title"),
                           tree_text(check, "what"), WORDS_CHARS_MAX, tree_text(check, "words"));
            }
        }
    }
}

static void add_numbers(const json_t *numbers, struct buf *out)
{
    buf_printf(
        out,
        "\nmembership record   %lld ms at most (limit %lld)\n"
        "refund revokes      %lld ms (limit %lld)\n"
        "effects             %lld ms for 95 of 100 of %lld (limit %lld)\n"
        "replay              %lld copies of each event, %lld duplicates (limit 0)\n",
        (long long)tree_int(numbers, "record_ms_max"),
        (long long)tree_int(numbers, "record_ms_limit"), (long long)tree_int(numbers, "refund_ms"),
        (long long)tree_int(numbers, "record_ms_limit"),
        (long long)tree_int(numbers, "effects_ms_p95"), (long long)tree_int(numbers, "effects"),
        (long long)tree_int(numbers, "effects_ms_limit"), (long long)tree_int(numbers, "replays"),
        (long long)tree_int(numbers, "duplicates"));
}

static void add_changes(const json_t *report, struct buf *out)
{
    size_t i;
    json_t *one;
    json_array_foreach(tree_get(report, "not_drilled"), i, one)
    {
        buf_printf(out, "not drilled: %s/%s, nothing stands in for it\n", tree_text(one, "actor"),
                   tree_text(one, "provider"));
    }
    buf_printf(out, "network: %s\n",
               tree_flag(tree_get(report, "network"), "sealed")
                   ? "sealed off, loopback alone"
                   : "every address is loopback; this machine allows no sealed network");
    if (*tree_text(report, "only")) {
        buf_printf(out, "only a part was held: %s\n", tree_text(report, "only"));
    }
    buf_add_text(out, "\nchanged for the drill, all else is as configured:\n");
    json_array_foreach(tree_get(report, "changed"), i, one)
    {
        buf_printf(out, "  %-26s %s\n", tree_text(one, "setting"), tree_text(one, "now"));
    }
}

void drill_report_text(const json_t *report, const struct drill_paint *paint, struct buf *out)
{
    bool passed = tree_flag(report, "passed");
    buf_printf(out, "usher drill, %s, version %s, configuration %.12s\n\n",
               tree_text(report, "date"), tree_text(report, "version"),
               tree_text(report, "config_digest"));
    add_cases(tree_get(report, "cases"), paint, out);
    add_numbers(tree_get(report, "numbers"), out);
    add_changes(report, out);
    buf_add_text(out, "\n");
    add_failures(tree_get(report, "cases"), out);
    buf_printf(out, "%s%s%s in %.1f s\n", passed ? paint->good : paint->bad,
               passed ? "PASSED" : "NOT PASSED", paint->none,
               json_real_value(tree_get(report, "seconds")));
}

/* --- kept ----------------------------------------------------------------------------------- */

/* "2026-11-25T101500Z": no colons, so that the file can go anywhere. */
static void name_of(const json_t *report, char *name, size_t room)
{
    size_t len = 0;
    for (const char *at = tree_text(report, "date"); *at && len + 1 < room; at++) {
        if (*at != ':') {
            name[len++] = *at;
        }
    }
    name[len] = '\0';
}

enum fault drill_report_save(const json_t *report, const char *folder, char **path)
{
    static const struct drill_paint plain = {"", "", "", ""};
    char name[CLOCK_TEXT_BYTES];
    struct buf text = {0};
    char *tree = json_dumps(report, JSON_INDENT(2));
    MUST(tree);
    name_of(report, name, sizeof name);
    drill_report_text(report, &plain, &text);
    *path = must_sprintf("%s/%s.txt", folder, name);
    char *json = must_sprintf("%s/%s.json", folder, name);
    enum fault fault = home_folder(folder);
    fault = fault == OK ? home_write_file(*path, text.bytes, text.len, 0600) : fault;
    fault = fault == OK ? home_write_file(json, tree, strlen(tree), 0600) : fault;
    free(json);
    free(tree);
    buf_fini(&text);
    return fault;
}
