/* verb_tap.c - every event as it happens. Bells wake it, READ delivers: nothing is lost between. */
#include "verbs.h"

#include "clock.h"
#include "event_view.h"
#include "home.h"
#include "must.h"
#include "values.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    READ_EVENTS = 256,
    READ_MS = 5000,
    BELL_MS = 200,      /* how soon Ctrl-C is noticed */
    BEHIND_MAX = 20000, /* a live tap that is further behind skips, and says so */
    BEHIND_KEEP = 1000,
    WINDOW = 512,
    STEP_MAX = 8192,  /* events looked at in one step back */
    MEMBER_CHARS = 24 /* a whole id */
};

struct tap {
    struct cli *cli;
    struct client *client;
    const char *topics[WIRE_TOPICS_MAX + 1];
    const char *follow;
    char trace[EVENT_ID_BYTES_MAX + 1]; /* of the event that is followed */
    const char *dump;
    int64_t count, shown; /* count 0: no end */
    int64_t until_ms;     /* monotonic; 0: no end */
    uint64_t from, head, floor;
    uint64_t skipped, damaged;
    bool personal, raw, history, until_now;
    bool away;
};

static volatile sig_atomic_t told_to_stop;

static void on_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

/* --- showing --------------------------------------------------------------------------------- */

static enum cli_paint paint_of(const char *type)
{
    static const struct {
        const char *type;
        enum cli_paint paint;
    } paints[] = {
        {"member.joined", PAINT_GREEN},    {"member.activated", PAINT_GREEN},
        {"job.done", PAINT_GREEN},         {"alert.cleared", PAINT_GREEN},
        {"target.accepted", PAINT_GREEN},  {"payment.succeeded", PAINT_GREEN},
        {"member.paused", PAINT_YELLOW},   {"job.retrying", PAINT_YELLOW},
        {"job.uncertain", PAINT_YELLOW},   {"member.ended", PAINT_YELLOW},
        {"webhook.refused", PAINT_YELLOW}, {"payment.failed", PAINT_YELLOW},
        {"member.revoked", PAINT_RED},     {"job.dead", PAINT_RED},
        {"alert.raised", PAINT_RED},       {"dispute.opened", PAINT_RED},
        {"target.refused", PAINT_RED},     {"payment.linked", PAINT_DIM},
        {"provider.ignored", PAINT_DIM},   {"member.due", PAINT_DIM},
        {"job.superseded", PAINT_DIM},     {"customer.changed", PAINT_DIM},
    };
    for (size_t i = 0; i < sizeof paints / sizeof *paints; i++) {
        if (strcmp(paints[i].type, type) == 0) {
            return paints[i].paint;
        }
    }
    return PAINT_NONE;
}

static const char *clock_text(const char *rfc3339, char *text, size_t room)
{
    int64_t ms = 0;
    (void)clock_parse(rfc3339, &ms);
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    localtime_r(&seconds, &parts);
    snprintf(text, room, "%02d:%02d:%02d.%03d", parts.tm_hour, parts.tm_min, parts.tm_sec,
             (int)(ms % 1000));
    return text;
}

static void print_human(const struct tap *tap, const json_t *event)
{
    const struct cli *cli = tap->cli;
    const char *type = tree_text(event, "type"), *subject = tree_text(event, "subject");
    const char *who =
        *tree_text(event, "who") ? tree_text(event, "who") : tree_text(event, "source");
    char time[16];
    struct buf words = {0};
    view_words(event, &words);
    enum cli_paint paint = paint_of(type);
    printf("%s%s%s  %-8s %s%-24s%s %-*.*s  %s\n", cli_paint(cli, PAINT_DIM),
           clock_text(tree_text(event, "time"), time, sizeof time), cli_paint(cli, PAINT_NONE),
           cli_clean(who), paint ? cli_paint(cli, paint) : "", cli_clean(type),
           paint ? cli_paint(cli, PAINT_NONE) : "", MEMBER_CHARS, MEMBER_CHARS,
           cli_clean(*subject ? subject : view_person(event)), cli_clean(buf_text(&words)));
    buf_fini(&words);
}

static bool dump(const struct tap *tap, const json_t *event)
{
    char *path = must_sprintf("%s/%012lld.json", tap->dump, (long long)tree_int(event, "seq"));
    char *text = json_dumps(event, JSON_INDENT(2));
    MUST(text);
    enum fault fault = home_write_file(path, text, strlen(text), 0600);
    if (fault != OK) {
        cli_fail(tap->cli, CLI_NO, "%s: %s", path, fault_words(fault));
    }
    free(text);
    free(path);
    return fault == OK;
}

/* False when it is over. */
static bool show(struct tap *tap, json_t *event)
{
    if (tap->follow && !view_same_id(tree_text(event, "trace"), tap->follow) &&
        !view_same_id(tree_text(event, "id"), tap->follow)) {
        return true;
    }
    if (!tap->raw) {
        view_drop_raw(event);
    }
    if (!tap->personal) {
        view_redact(event);
    }
    if (tap->dump && !dump(tap, event)) {
        return false;
    }
    if (tap->cli->json) {
        cli_print_json(event);
    } else {
        print_human(tap, event);
    }
    tap->shown++;
    return fflush(stdout) == 0 && (tap->count == 0 || tap->shown < tap->count);
}

/* --- reading --------------------------------------------------------------------------------- */

static bool is_over(const struct tap *tap)
{
    return told_to_stop || (tap->until_ms && clock_mono_ms() >= tap->until_ms);
}

/* A terminal slower than the fleet must not lag for ever. */
static void keep_up(struct tap *tap)
{
    bool live = !tap->history && !tap->count && !tap->dump && !tap->follow;
    if (live && tap->head > tap->from && tap->head - tap->from > BEHIND_MAX) {
        uint64_t to = tap->head - BEHIND_KEEP;
        tap->skipped += to - tap->from;
        cli_say(tap->cli, "skipped %llu events: they come faster than they can be shown",
                (unsigned long long)(to - tap->from));
        tap->from = to;
    }
}

/* What a read came back with. False when it is over; *code is then set. */
static bool after_read(struct tap *tap, enum fault fault, uint64_t next, int *code)
{
    if (fault == OK) {
        tap->away = false;
        tap->from = next > tap->from ? next : tap->from;
        return true;
    }
    if (fault == FAULT_CORRUPT && next > tap->from) {
        tap->damaged += next - tap->from;
        cli_say(tap->cli, "events %llu to %llu are damaged and not shown",
                (unsigned long long)tap->from, (unsigned long long)next - 1);
        cli_next(tap->cli, "usher verify");
        tap->from = next;
        return true;
    }
    if (fault_again(fault)) {
        if (!tap->away) {
            cli_say(tap->cli, "the broker is away; waiting for it");
        }
        tap->away = true;
        return true;
    }
    if (fault == FAULT_GONE) {
        *code = cli_fail(tap->cli, CLI_NO, "event %llu is not kept any more; the oldest is %llu",
                         (unsigned long long)tap->from, (unsigned long long)tap->floor);
    } else {
        *code = cli_fail(tap->cli, CLI_NO, "%s%s%s", fault_words(fault),
                         *client_words(tap->client) ? ": " : "", client_words(tap->client));
    }
    return false;
}

static bool read_some(struct tap *tap, int *code)
{
    json_t *list = json_array();
    uint64_t next, head;
    enum fault fault =
        client_read_wait(tap->client, tap->from, READ_EVENTS, tap->topics[0] ? tap->topics : NULL,
                         READ_MS, list, &next, &head);
    bool on = after_read(tap, fault, next, code);
    tap->head = fault == OK ? head : tap->head;
    size_t i;
    json_t *event;
    json_array_foreach(list, i, event)
    {
        if (on) {
            on = show(tap, event);
        }
    }
    json_decref(list);
    return on;
}

static void wait_for_more(struct tap *tap)
{
    char type[EVENT_NAME_BYTES_MAX + 1];
    uint64_t seq = 0;
    enum fault fault = client_bell_wait(tap->client, BELL_MS, type, sizeof type, &seq);
    if (fault == OK && seq > tap->head) {
        tap->head = seq;
    }
}

static int run(struct tap *tap)
{
    int code = CLI_FINE;
    while (!is_over(tap)) {
        keep_up(tap);
        if (tap->from > tap->head && !tap->away) {
            if (tap->until_now) {
                break;
            }
            wait_for_more(tap);
        } else if (!read_some(tap, &code)) {
            break;
        }
    }
    if (tap->skipped || tap->damaged) {
        cli_say(tap->cli, "%lld events shown, %llu skipped, %llu damaged", (long long)tap->shown,
                (unsigned long long)tap->skipped, (unsigned long long)tap->damaged);
    }
    bool asked_for_more = tap->count && tap->shown < tap->count;
    return code == CLI_FINE && asked_for_more && !told_to_stop ? CLI_NO : code;
}

/* --- where to begin -------------------------------------------------------------------------- */

/* The time of the first event at or behind `seq`; false when there is none. */
static bool time_at(struct tap *tap, uint64_t seq, int64_t *ms)
{
    json_t *list = json_array();
    uint64_t next, head;
    enum fault fault = client_read_wait(tap->client, seq, 1, NULL, READ_MS, list, &next, &head);
    bool got = fault == OK && json_array_size(list) == 1 &&
               clock_parse(tree_text(json_array_get(list, 0), "time"), ms);
    json_decref(list);
    return got;
}

/* Events are published in nearly the order of their times: halving finds the place. */
static uint64_t seq_of_time(struct tap *tap, int64_t since_ms)
{
    uint64_t low = tap->floor, high = tap->head + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int64_t ms;
        if (time_at(tap, middle, &ms) && ms < since_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t count_in(struct tap *tap, uint64_t from, uint64_t below)
{
    size_t count = 0;
    while (from < below) {
        json_t *list = json_array();
        uint64_t next, head;
        size_t i;
        json_t *event;
        enum fault fault =
            client_read_wait(tap->client, from, WINDOW, tap->topics[0] ? tap->topics : NULL,
                             READ_MS, list, &next, &head);
        json_array_foreach(list, i, event)
        {
            count += (uint64_t)tree_int(event, "seq") < below;
        }
        json_decref(list);
        if (next <= from || (fault != OK && fault != FAULT_CORRUPT)) {
            break;
        }
        from = next;
    }
    return count;
}

/* Steps back until at least `last` events of the topics lie ahead; *early is how many of them are
 * too many. */
static uint64_t seq_of_last(struct tap *tap, int64_t last, size_t *early)
{
    uint64_t from = tap->head + 1;
    size_t found = 0;
    uint64_t step = (uint64_t)last;
    while (found < (size_t)last && from > tap->floor) {
        uint64_t below = from;
        from = from - tap->floor > step ? from - step : tap->floor;
        found += count_in(tap, from, below);
        step = step < STEP_MAX ? step * 2 : step;
    }
    *early = found > (size_t)last ? found - (size_t)last : 0;
    return from;
}

/* Moves `from` over events of the topics that are not wanted. */
static void skip_early(struct tap *tap, size_t early)
{
    while (early) {
        json_t *list = json_array();
        uint64_t next, head;
        enum fault fault =
            client_read_wait(tap->client, tap->from, early < WINDOW ? early : WINDOW,
                             tap->topics[0] ? tap->topics : NULL, READ_MS, list, &next, &head);
        size_t got = json_array_size(list);
        if (got) {
            tap->from = (uint64_t)tree_int(json_array_get(list, got - 1), "seq") + 1;
        }
        json_decref(list);
        if (fault != OK || !got) {
            return;
        }
        early -= got;
    }
}

static void begin_at_trace(struct tap *tap)
{
    json_t *question = json_pack("{s:s, s:s}", "ask", "trace", "id", tap->follow);
    json_t *answer = NULL;
    if (question && client_ask_wait(tap->client, "ledger", question, READ_MS, &answer) == OK) {
        int64_t first = json_integer_value(json_array_get(tree_get(answer, "seqs"), 0));
        if (first > 0) {
            tap->from = (uint64_t)first;
            EVENT_SET(tap->trace, tree_text(answer, "trace"));
            tap->follow = tap->trace;
        }
    }
    json_decref(answer);
    json_decref(question);
}

static int begin(struct tap *tap)
{
    const char *since = cli_option(tap->cli, "--since");
    int64_t last, ms;
    if (!cli_number(tap->cli, "--last", 1, 1000000, 0, &last)) {
        return CLI_USAGE;
    }
    tap->from = tap->head + 1;
    tap->history = since || last;
    if (since && strspn(since, "0123456789") == strlen(since) && strlen(since) < 10) {
        tap->from = strtoull(since, NULL, 10);
    } else if (since && clock_parse_duration(since, &ms)) {
        tap->from = seq_of_time(tap, clock_wall_ms() - ms);
    } else if (since && clock_parse(since, &ms)) {
        tap->from = seq_of_time(tap, ms);
    } else if (since) {
        return cli_usage(tap->cli, "--since: expected a number such as 120, a time such as "
                                   "2026-11-23T10:00:00Z, or how long ago, such as 10m");
    } else if (last) {
        size_t early;
        tap->from = seq_of_last(tap, last, &early);
        skip_early(tap, early);
    } else if (tap->follow) {
        begin_at_trace(tap);
    }
    tap->from = tap->from < 1 ? 1 : tap->from;
    return CLI_FINE;
}

/* --- arguments ------------------------------------------------------------------------------- */

static int read_topics(struct tap *tap)
{
    for (size_t i = 0; i < tap->cli->word_count; i++) {
        const char *topic = tap->cli->words[i];
        if (i == WIRE_TOPICS_MAX) {
            return cli_usage(tap->cli, "more than %d topics", WIRE_TOPICS_MAX);
        }
        bool known = false;
        const struct event_type *type;
        for (size_t n = 0; (type = event_type_nth(n)); n++) {
            known |= topic_matches(topic, type->name);
        }
        if (!known) {
            return cli_usage(tap->cli,
                             "no event has the topic \"%s\"; topics are like member.joined, "
                             "member.* or *",
                             cli_clean(topic));
        }
        tap->topics[i] = topic;
    }
    return CLI_FINE;
}

static int read_options(struct tap *tap)
{
    const char *wait = cli_option(tap->cli, "--wait");
    int64_t wait_ms;
    tap->follow = cli_option(tap->cli, "--follow");
    tap->dump = cli_option(tap->cli, "--dump");
    tap->personal = cli_flag(tap->cli, "--show-personal");
    tap->raw = cli_flag(tap->cli, "--raw");
    tap->until_now = cli_flag(tap->cli, "--until-now");
    if (!cli_number(tap->cli, "--count", 1, INT64_MAX, 0, &tap->count)) {
        return CLI_USAGE;
    }
    if (wait && !clock_parse_duration(wait, &wait_ms)) {
        return cli_usage(tap->cli, "--wait: expected a duration such as 30s");
    }
    tap->until_ms = wait ? clock_mono_ms() + wait_ms : 0;
    if (tap->dump) {
        enum fault fault = home_folder(tap->dump);
        if (fault != OK) {
            return cli_fail(tap->cli, CLI_USAGE, "--dump: %s: %s", tap->dump, fault_words(fault));
        }
    }
    return read_topics(tap);
}

int verb_tap(struct cli *cli)
{
    struct tap tap = {.cli = cli};
    int code = read_options(&tap);
    if (code == CLI_FINE) {
        code = cli_connect(cli, true, &tap.client);
    }
    if (code == CLI_FINE) {
        struct sigaction action = {.sa_handler = on_signal};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        if (client_hello_wait(tap.client, CLI_HELLO_MS, &tap.head, &tap.floor) != OK) {
            code = cli_fail(cli, CLI_UNREACHABLE, "the broker does not answer");
        }
    }
    if (code == CLI_FINE) {
        code = begin(&tap);
    }
    if (code == CLI_FINE) {
        if (!cli->json && !tap.until_now && !tap.history) {
            cli_say(cli, "listening from event %llu on; Ctrl-C ends it",
                    (unsigned long long)tap.from);
        }
        code = run(&tap);
    }
    client_destroy(&tap.client);
    return code;
}
