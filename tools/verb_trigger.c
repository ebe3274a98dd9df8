/* verb_trigger.c - what Stripe would send, signed as Stripe signs, through the real door. */
#include "verbs.h"

#include "clock.h"
#include "digest.h"
#include "http_wait.h"
#include "must.h"
#include "settings.h"
#include "stripe_bodies.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COPIES_MAX = 1000,
    AMOUNT_MAX = 100000000,
    NTH_MAX = 1000,
    RETRY_PAUSE_US = 200 * 1000,
    ANSWER_MS = 15000,
    REFUSED_WORDS_MAX = 200
};

/* The door as usher.cfg describes it. */
struct door {
    char *url;
    char *secret;  /* the first one */
    char *product; /* the first of the allow-list, "" for all */
    bool live;
};

struct delivery {
    const struct cli *cli;
    const struct door *door;
    struct http_wait *http;
    int64_t retry_until_ms; /* 0: one try */
    size_t sent, refused;
    bool unreachable;
    json_t *printed; /* with --json */
};

/* --- the door -------------------------------------------------------------------------------- */

static char *peek(const struct cli *cli, const char *path, const char *fallback)
{
    char *text = NULL;
    if (settings_peek(cli->home, "usher.cfg", path, fallback, &text) != OK) {
        free(text);
        return NULL;
    }
    return text;
}

static void cut_at(char *text, const char *separators)
{
    text[strcspn(text, separators)] = '\0';
}

static void door_fini(struct door *door)
{
    free(door->url);
    free(door->secret);
    free(door->product);
}

/* CLI_FINE, or it has said what is missing. */
static int door_init(const struct cli *cli, struct door *door)
{
    *door = (struct door){0};
    int code = cli_need_home(cli);
    if (code != CLI_FINE) {
        return code;
    }
    char *listen = peek(cli, "webhook/listen", "127.0.0.1:8080");
    char *mode = peek(cli, "webhook/payment/mode", "test");
    const char *url = cli_option(cli, "--url");
    door->secret = peek(cli, "webhook/payment/secret", "");
    door->product = peek(cli, "webhook/payment/products", "");
    door->live = mode && strcmp(mode, "live") == 0;
    if (!listen || !mode || !door->product) {
        code = cli_fail(cli, CLI_CONFIG, "usher.cfg cannot be read whole: section webhook");
    } else if (!door->secret || !*door->secret) {
        code = cli_fail(cli, CLI_CONFIG, "webhook/payment/secret is not set or cannot be read");
    } else {
        cut_at(door->secret, "\r\n");
        cut_at(door->product, " \t\r\n,");
        door->url = url ? must_strdup(url) : must_sprintf("http://%s/api/webhooks/payment", listen);
    }
    free(listen);
    free(mode);
    return code;
}

/* --- what is told ---------------------------------------------------------------------------- */

static void shuffle(json_t *events)
{
    for (size_t i = json_array_size(events); i > 1; i--) {
        size_t j = random_u64() % i;
        json_t *a = json_incref(json_array_get(events, i - 1));
        json_t *b = json_incref(json_array_get(events, j));
        json_array_set_new(events, i - 1, b);
        json_array_set_new(events, j, a);
    }
}

static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');
    return at && at != text && at[1] && !strpbrk(text, " \t\r\n<>,");
}

/* "bob@example.com" is called Bob, unless somebody says otherwise. */
static const char *name_of(const char *email)
{
    static char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(email, "@.+"), email);
    *name = (char)toupper((unsigned char)*name);
    return name;
}

/* The case as the command line has it. CLI_FINE, or it has said what was expected. */
static int read_case(const struct cli *cli, const struct door *door, struct stripe_case *out)
{
    const char *email = cli_option(cli, "--email"), *time = cli_option(cli, "--at");
    int64_t now_ms = clock_wall_ms(), nth, period;
    if (email && !is_email(email)) {
        return cli_usage(cli, "--email: expected an address such as ada@example.com");
    }
    if (time && !clock_parse(time, &now_ms)) {
        return cli_usage(cli, "--at: expected a time such as 2026-11-23T10:00:00Z, or seconds");
    }
    *out = stripe_case_default(email ? email : "ada@example.com", now_ms / 1000);
    if (!cli_number(cli, "--amount", 1, AMOUNT_MAX, out->amount, &out->amount) ||
        !cli_number(cli, "--refunded", 1, AMOUNT_MAX, 0, &out->refunded) ||
        !cli_number(cli, "--nth", 0, NTH_MAX, -1, &nth) ||
        !cli_number(cli, "--period", 0, NTH_MAX, -1, &period)) {
        return CLI_USAGE;
    }
    const char *name = cli_option(cli, "--name"), *currency = cli_option(cli, "--currency");
    const char *outcome = cli_option(cli, "--outcome");
    if (outcome && strcmp(outcome, "won") != 0 && strcmp(outcome, "lost") != 0) {
        return cli_usage(cli, "--outcome: expected won or lost");
    }
    out->nth = (int)nth;
    out->period = (int)period;
    out->name = name ? name : name_of(out->email);
    out->currency = currency ? currency : out->currency;
    out->outcome = outcome ? outcome : out->outcome;
    out->customer = cli_option(cli, "--customer");
    out->app_user = cli_option(cli, "--app-user");
    out->id = cli_option(cli, "--id");
    out->old_shape = cli_flag(cli, "--old-shape");
    out->livemode = door->live;
    const char *product =
        cli_option(cli, "--product") ? cli_option(cli, "--product") : door->product;
    if (strncmp(product, "price_", strlen("price_")) == 0) {
        out->price = product;
    } else if (*product) {
        out->product = product;
    }
    return CLI_FINE;
}

static int unknown_word(const struct cli *cli, const char *word)
{
    if (word) {
        cli_fail(cli, CLI_USAGE, "there is no \"%s\" to trigger; there are:", cli_clean(word));
    } else {
        cli_fail(cli, CLI_USAGE, "say what happens; there are:");
    }
    const struct stripe_story *story;
    for (size_t i = 0; (story = stripe_story_nth(i)); i++) {
        cli_say(cli, "  %-34s %s", story->word, story->sentence);
    }
    cli_next(cli, "usher trigger payment.succeeded --email ada@example.com");
    return CLI_USAGE;
}

/* --- delivering ------------------------------------------------------------------------------ */

static enum fault post(struct delivery *delivery, const char *body, int *status,
                       const char **answer, const char **words)
{
    struct call call = {.method = "POST", .plain = true, .timeout_ms = ANSWER_MS};
    struct buf header = {0};
    stripe_sign(delivery->door->secret, clock_wall_ms() / 1000, body, strlen(body), &header);
    buf_add_text(&call.url, delivery->door->url);
    buf_add_text(&call.body, body);
    enum fault fault = call_header(&call, "Content-Type", "application/json; charset=utf-8");
    if (fault == OK) {
        fault = call_header(&call, "Stripe-Signature", buf_text(&header));
    }
    if (fault == OK) {
        fault = call_header(&call, "User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
    }
    *status = 0;
    *answer = *words = "";
    if (fault == OK) {
        fault = http_wait_call(delivery->http, &call, status, answer, words);
    }
    buf_fini(&header);
    call_fini(&call);
    return fault;
}

static bool is_taken(int status)
{
    return status >= 200 && status < 300;
}

static void print_line(const struct delivery *delivery, const json_t *event, int status,
                       const char *words, bool duplicate, int64_t took_ms)
{
    const struct cli *cli = delivery->cli;
    if (cli->json) {
        json_t *line = json_pack("{s:s, s:s, s:i, s:b, s:I}", "id", tree_text(event, "id"), "type",
                                 tree_text(event, "type"), "status", status, "duplicate", duplicate,
                                 "ms", (json_int_t)took_ms);
        MUST(line);
        cli_print_json(line);
        json_decref(line);
        return;
    }
    enum cli_paint paint = is_taken(status) ? PAINT_GREEN : PAINT_RED;
    char code[16];
    snprintf(code, sizeof code, "%d", status);
    const char *said = duplicate ? "known already" : cli_clean(words);
    printf("--> %-34s %-30s %s%s%s%s%s\n", tree_text(event, "type"),
           cli_clean(tree_text(event, "id")), cli_paint(cli, paint), status ? code : "---",
           cli_paint(cli, PAINT_NONE), *said ? " " : "", said);
    fflush(stdout);
}

static void deliver(struct delivery *delivery, const json_t *event)
{
    char *body = json_dumps(event, JSON_INDENT(2) | JSON_ENSURE_ASCII); /* as Stripe writes it */
    MUST(body);
    int status;
    const char *answer, *words;
    int64_t start = clock_mono_ms();
    enum fault fault = post(delivery, body, &status, &answer, &words);
    while (!is_taken(status) && clock_mono_ms() < delivery->retry_until_ms) {
        usleep(RETRY_PAUSE_US);
        fault = post(delivery, body, &status, &answer, &words);
    }
    char said[REFUSED_WORDS_MAX];
    snprintf(said, sizeof said, "%s", fault != OK ? words : is_taken(status) ? "" : answer);
    json_t *parsed = json_loads(answer, 0, NULL);
    bool duplicate = is_taken(status) && tree_flag(parsed, "duplicate");
    json_decref(parsed);
    print_line(delivery, event, status, said, duplicate, clock_mono_ms() - start);
    delivery->sent++;
    delivery->refused += !is_taken(status);
    delivery->unreachable |= fault != OK;
    free(body);
}

static int deliver_all(const struct cli *cli, const struct door *door, const json_t *events,
                       int64_t retry_ms)
{
    struct delivery delivery = {.cli = cli, .door = door, .http = http_wait_new()};
    delivery.retry_until_ms = retry_ms ? clock_mono_ms() + retry_ms : 0;
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        deliver(&delivery, event);
        if (delivery.unreachable) {
            break;
        }
    }
    http_wait_destroy(&delivery.http);
    if (delivery.unreachable) {
        cli_fail(cli, CLI_UNREACHABLE, "the door at %s does not answer", door->url);
        cli_next(cli, "usher up");
        return CLI_UNREACHABLE;
    }
    if (delivery.refused) {
        return cli_fail(cli, CLI_NO, "%zu of %zu deliveries were refused", delivery.refused,
                        delivery.sent);
    }
    return CLI_FINE;
}

static void print_bodies(const json_t *events)
{
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        cli_print_json(event);
    }
}

/* Each event `copies` times. */
static json_t *copies_of(json_t *events, int64_t copies)
{
    json_t *all = json_array();
    for (int64_t c = 0; c < copies; c++) {
        json_array_extend(all, events);
    }
    return all;
}

/* The event that the story is about. */
static const char *main_id(const struct stripe_story *story, const json_t *events)
{
    const char *id = "";
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        if (strcmp(tree_text(event, "type"), story->main_type) == 0) {
            id = tree_text(event, "id");
        }
    }
    return id;
}

static int run(struct cli *cli, const struct stripe_story *story, const struct door *door)
{
    struct stripe_case at;
    int64_t copies, retry_ms = 0;
    const char *retry = cli_option(cli, "--retry");
    int code = read_case(cli, door, &at);
    if (code != CLI_FINE) {
        return code;
    }
    if (!cli_number(cli, "--copies", 1, COPIES_MAX, 1, &copies)) {
        return CLI_USAGE;
    }
    if (retry && !clock_parse_duration(retry, &retry_ms)) {
        return cli_usage(cli, "--retry: expected a duration such as 30s");
    }
    if (door->live && !cli_flag(cli, "--really") && !cli_flag(cli, "--dry-run")) {
        return cli_fail(cli, CLI_NO,
                        "this home is in live mode: real members would change. With --really it "
                        "is done, with --dry-run it is shown");
    }
    json_t *once = json_array();
    stripe_story_tell(story, &at, once);
    json_t *events = copies_of(once, copies);
    if (cli_flag(cli, "--shuffle")) {
        shuffle(events);
    }
    if (cli_flag(cli, "--dry-run")) {
        print_bodies(events);
    } else {
        code = deliver_all(cli, door, events, retry_ms);
        if (code == CLI_FINE && !cli->json) {
            cli_next(cli, "usher trace %s", main_id(story, once));
        }
    }
    json_decref(once);
    json_decref(events);
    return code;
}

int verb_trigger(struct cli *cli)
{
    const char *word = cli_word(cli, 0);
    const struct stripe_story *story = word ? stripe_story_find(word) : NULL;
    if (!story) {
        return unknown_word(cli, word);
    }
    if (cli->word_count > 1) {
        return cli_usage(cli, "one word is enough: \"%s\" is one too many",
                         cli_clean(cli_word(cli, 1)));
    }
    struct door door;
    int code = door_init(cli, &door);
    if (code == CLI_FINE) {
        code = run(cli, story, &door);
    }
    door_fini(&door);
    return code;
}
