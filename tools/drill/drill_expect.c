/* drill_expect.c - what should have happened, by the rules in force, and the checks that it did.
 *
 * Two kinds: what holds whatever the rules say (who pays has access, who is refunded has none, each
 * effect once), and what follows the founder's rules (tags, mails, notes). */
#include "drill_core.h"

#include "clock.h"
#include "digest.h"
#include "must.h"
#include "values.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ID_HEX_CHARS = 32 };

/* --- lines ---------------------------------------------------------------------------------- */

static void settle_case(struct drill *drill, const char *result, const char *words)
{
    bool failed = strcmp(tree_text(drill->now, "result"), "failed") == 0;
    if (!failed) { /* the first that failed names it */
        tree_set_text(drill->now, "result", result);
        tree_set(drill->now, "words", json_string(words));
    }
}

void drill_check(struct drill *drill, const char *what, bool passed, int64_t ms, int64_t limit_ms,
                 const char *format, ...)
{
    char *words = NULL;
    va_list arguments;
    va_start(arguments, format);
    MUST(vasprintf(&words, format, arguments) >= 0);
    va_end(arguments);
    bool late = passed && limit_ms && ms > limit_ms;
    char *said = late ? must_sprintf("after %lld ms, expected within %lld ms", (long long)ms,
                                     (long long)limit_ms)
                      : must_strdup(passed ? "" : words);
    json_t *line =
        json_pack("{s:s, s:b, s:o, s:o, s:o}", "what", what, "passed", passed && !late, "ms",
                  ms >= 0 ? json_integer(ms) : json_null(), "limit_ms",
                  limit_ms ? json_integer(limit_ms) : json_null(), "words", json_string(said));
    MUST(line && json_array_append_new(tree_get(drill->now, "checks"), line) == 0);
    if (!passed || late) {
        char *whole = must_sprintf("%s: %s", what, said);
        settle_case(drill, "failed", whole);
        free(whole);
    }
    free(said);
    free(words);
}

void drill_not_applicable(struct drill *drill, const char *format, ...)
{
    char *words = NULL;
    va_list arguments;
    va_start(arguments, format);
    MUST(vasprintf(&words, format, arguments) >= 0);
    va_end(arguments);
    settle_case(drill, "not_applicable", words);
    free(words);
}

void drill_not_run(struct drill *drill, const char *format, ...)
{
    char *words = NULL;
    va_list arguments;
    va_start(arguments, format);
    MUST(vasprintf(&words, format, arguments) >= 0);
    va_end(arguments);
    settle_case(drill, "not_run", words);
    free(words);
}

/* --- access --------------------------------------------------------------------------------- */

struct wanted {
    struct drill_person *person;
    bool access;
    json_t *member; /* as it was last seen */
};

static bool has_access(struct drill *drill, void *about)
{
    struct wanted *wanted = about;
    json_decref(wanted->member);
    wanted->member = drill_member(drill, wanted->person);
    return wanted->member && tree_flag(wanted->member, "access") == wanted->access;
}

int64_t drill_expect_access(struct drill *drill, struct drill_person *person, int64_t since_ms,
                            bool access, const char *what)
{
    struct wanted wanted = {.person = person, .access = access};
    if (since_ms < 0) {
        return -1; /* not taken, which has failed already */
    }
    bool is = drill_wait(drill, has_access, &wanted, DRILL_LATE_MS);
    int64_t ms = clock_mono_ms() - since_ms;
    const char *state = wanted.member ? tree_text(wanted.member, "state") : "unknown";
    drill_check(drill, what, is, is ? ms : -1, DRILL_RECORD_MS_MAX,
                "the member is %s and has %s access after %d ms; expected %s", state,
                tree_flag(wanted.member, "access") ? "" : "no", DRILL_LATE_MS,
                access ? "access" : "none");
    if (is) {
        drill->records++;
        drill->record_ms_max = ms > drill->record_ms_max ? ms : drill->record_ms_max;
    }
    json_decref(wanted.member);
    return is ? ms : -1;
}

/* --- effects -------------------------------------------------------------------------------- */

struct look {
    struct drill_person *person;
    const struct drill_effects *effects;
    enum rule_id mail;
    const char *note;
    int64_t began_ms; /* all of them have as long, from then on */
    json_t *found;    /* the row that was looked for */
    size_t hook;
};

static void found(struct look *look, const json_t *row)
{
    json_decref(look->found);
    look->found = json_incref((json_t *)row);
}

static bool holds_text(const json_t *list, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        if (strcmp(json_string_value(one) ? json_string_value(one) : "", text) == 0) {
            return true;
        }
    }
    return false;
}

/* The same texts, in any order. */
static bool same_texts(const json_t *a, const json_t *b)
{
    size_t i;
    json_t *one;
    json_array_foreach(a, i, one)
    {
        if (!holds_text(b, json_string_value(one))) {
            return false;
        }
    }
    return json_array_size(a) == json_array_size(b);
}

/* The contact shows what the ledger says, and the ledger says the rule's tag. */
static bool contact_shows(struct drill *drill, void *about)
{
    struct look *look = about;
    json_t *member = drill_member(drill, look->person);
    json_t *contacts = drill_contacts(drill, look->person);
    json_t *contact = json_array_get(contacts, 0), *tags = tree_get(member, "tags");
    const char *tag = drill->rules.rule[look->effects->tag].tag;
    bool shows = contact ? same_texts(tree_get(contact, "tags"), tags)
                         : json_array_size(tags) == 0; /* without a tag nobody needs a contact */
    bool ruled = !*tag || holds_text(tags, tag);
    if (contact) {
        found(look, contact);
    }
    json_decref(contacts);
    json_decref(member);
    return shows && ruled;
}

/* Of a mail's Message-ID the part before the @ is the hash of its job's key. */
static bool is_mail_of(const json_t *mail, const char *key)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(key, strlen(key), hash);
    hex_encode(hash, sizeof hash, hex);
    return strncmp(tree_text(mail, "id"), hex, ID_HEX_CHARS) == 0;
}

/* The mails of the rule's kind that the target has. */
static size_t mails_of(struct drill *drill, struct look *look)
{
    const char *kind = drill->rules.rule[look->mail].mail_kind;
    json_t *jobs = drill_jobs(drill, "mailer", look->person->member, NULL), *job, *mail;
    json_t *mails = drill_mails(drill, look->person);
    size_t i, j, count = 0;
    json_array_foreach(jobs, i, job)
    {
        bool its = strcmp(tree_text(job, "kind"), kind) == 0;
        json_array_foreach(mails, j, mail)
        {
            if (its && is_mail_of(mail, tree_text(job, "key"))) {
                found(look, mail);
                count++;
            }
        }
    }
    json_decref(jobs);
    json_decref(mails);
    return count;
}

static bool mail_came(struct drill *drill, void *about)
{
    return mails_of(drill, about) > 0;
}

/* The notes whose key begins as the one looked for. */
static size_t notes_of(struct drill *drill, struct look *look)
{
    json_t *notes = drill_notes(drill, look->person), *note;
    char *marker = must_sprintf("[usher:%s", look->note);
    size_t i, count = 0;
    json_array_foreach(notes, i, note)
    {
        if (strstr(tree_text(note, "text"), marker)) {
            found(look, note);
            count++;
        }
    }
    free(marker);
    json_decref(notes);
    return count;
}

static bool note_came(struct drill *drill, void *about)
{
    return notes_of(drill, about) > 0;
}

static bool hook_told(struct drill *drill, void *about)
{
    struct look *look = about;
    json_t *told = drill_told(drill, look->hook, look->person->name);
    size_t count = json_array_size(told);
    if (count > 0) {
        found(look, json_array_get(told, count - 1));
    }
    json_decref(told);
    return count >= (size_t)look->effects->alerts;
}

static bool app_knows(struct drill *drill, void *about)
{
    struct look *look = about;
    json_t *member = drill_member(drill, look->person);
    json_t *told = drill_app_told(drill, look->person);
    bool knows = told && tree_flag(told, "access") == tree_flag(member, "access") &&
                 tree_int(told, "version") == tree_int(member, "version");
    if (told) {
        found(look, told);
    }
    json_decref(told);
    json_decref(member);
    return knows;
}

/* Waits for one effect and notes its time: that of its arrival, where a stand-in saw it. What a
 * rule lets it wait for is not the fleet's. */
static void expect_one(struct drill *drill, struct look *look, int64_t since_ms,
                       drill_condition *condition, const char *what, const char *missing)
{
    bool settles = condition == mail_came && !look->effects->at_once;
    int64_t settle_ms = settles ? drill->rules.rule[look->mail].settle_ms : 0;
    const struct drill_effects *effects = look->effects;
    json_decref(look->found);
    look->found = NULL;
    int within_ms = effects->within_ms ? effects->within_ms : DRILL_LATE_MS;
    int64_t left_ms = look->began_ms + within_ms - clock_mono_ms();
    bool came = drill_wait(drill, condition, look, left_ms > 0 ? (int)left_ms : 0);
    int64_t at_ms = look->found && tree_get(look->found, "who") ? tree_int(look->found, "at") : 0;
    int64_t ms = (at_ms ? at_ms : clock_mono_ms()) - since_ms - settle_ms;
    ms = ms > 0 ? ms : 0; /* it came with an event before the one that counts */
    drill_check(drill, what, came, came ? ms : -1, 0, "%s within %d s", missing, within_ms / 1000);
    if (came && !effects->within_ms && drill->effect_count < DRILL_SAMPLES_MAX) {
        drill->effects_ms[drill->effect_count++] = ms;
    }
}

static void expect_mail(struct drill *drill, struct look *look, int64_t since_ms)
{
    const struct rule *rule = &drill->rules.rule[look->mail];
    char *what = must_sprintf("%s mail", rule->mail_kind);
    char *missing = rule->settle_ms
                        ? must_sprintf("it did not come (the rule lets it wait for %lld s)",
                                       (long long)(rule->settle_ms / 1000))
                        : must_strdup("it did not come");
    expect_one(drill, look, since_ms, mail_came, what, missing);
    free(what);
    free(missing);
}

bool drill_mail_due(const struct drill *drill, enum rule_id rule)
{
    const struct rule *row = &drill->rules.rule[rule];
    return row->mail && row->settle_ms <= DRILL_EFFECT_MS_MAX;
}

/* Is the n-th mail of these effects to come? */
static bool is_due(const struct drill *drill, const struct drill_effects *effects, size_t n)
{
    enum rule_id rule = effects->mails[n];
    bool waits = !effects->at_once && !drill_mail_due(drill, rule);
    return drill->rules.rule[rule].mail && !waits && !effects->bounced;
}

static void expect_mails(struct drill *drill, struct look *look, int64_t since_ms)
{
    const struct drill_effects *effects = look->effects;
    for (size_t i = 0; i < effects->mail_count; i++) {
        look->mail = effects->mails[i];
        if (is_due(drill, effects, i)) {
            expect_mail(drill, look, since_ms);
        }
    }
}

static void expect_notes(struct drill *drill, struct look *look, int64_t since_ms)
{
    for (size_t i = 0; i < look->effects->note_count; i++) {
        look->note = look->effects->notes[i];
        expect_one(drill, look, since_ms, note_came, "support note", "it did not come");
    }
}

static void expect_alerts(struct drill *drill, struct look *look, int64_t since_ms)
{
    json_t *told;
    for (look->hook = 0; (told = drill_told(drill, look->hook, look->person->name)); look->hook++) {
        json_decref(told);
        if (look->effects->alerts) {
            expect_one(drill, look, since_ms, hook_told, "founder told", "the founder was not");
        }
    }
}

/* --- each once ------------------------------------------------------------------------------ */

/* Takes the list. */
static void count_list(struct drill *drill, json_t *list, size_t expected, const char *what,
                       const char *where)
{
    size_t count = json_array_size(list);
    drill_check(drill, what, count == expected, -1, 0, "%zu reached %s, expected %zu", count, where,
                expected);
    json_decref(list);
}

static size_t mails_expected(const struct drill *drill, const struct drill_effects *effects)
{
    size_t expected = 0;
    for (size_t i = 0; i < effects->mail_count; i++) {
        expected += is_due(drill, effects, i);
    }
    return expected;
}

/* Called when all is quiet: what would come twice has come by now. */
static void count_all(struct drill *drill, struct look *look)
{
    const struct drill_effects *effects = look->effects;
    json_t *member = drill_member(drill, look->person), *told;
    json_t *contacts = drill_contacts(drill, look->person);
    bool untagged = json_array_size(tree_get(member, "tags")) == 0;
    size_t contact = json_array_size(contacts) == 0 && untagged ? 0 : 1;
    count_list(drill, contacts, contact, "one contact", "the CRM");
    count_list(drill, drill_mails(drill, look->person), mails_expected(drill, effects),
               "each mail once", "the person");
    count_list(drill, drill_notes(drill, look->person), effects->note_count, "each note once",
               "the support desk");
    for (size_t i = 0; (told = drill_told(drill, i, look->person->name)); i++) {
        count_list(drill, told, (size_t)effects->alerts, "told once", "the founder");
    }
    json_decref(member);
}

/* --- together ------------------------------------------------------------------------------- */

static void expect_contact(struct drill *drill, struct look *look, int64_t since_ms)
{
    expect_one(drill, look, since_ms, contact_shows, "CRM contact",
               "the CRM did not show the member as the rules say");
}

void drill_expect_effects(struct drill *drill, struct drill_person *person, int64_t since_ms,
                          const struct drill_effects *effects)
{
    struct look look = {.person = person, .effects = effects, .began_ms = clock_mono_ms()};
    if (since_ms < 0) {
        return;
    }
    expect_contact(drill, &look, since_ms);
    if (drill_stand(drill, "app")) {
        expect_one(drill, &look, since_ms, app_knows, "app told", "the app was not told");
    }
    expect_mails(drill, &look, since_ms);
    expect_notes(drill, &look, since_ms);
    expect_alerts(drill, &look, since_ms);
    (void)drill_quiet(drill);
    count_all(drill, &look);
    json_decref(look.found);
}

void drill_expect_contact(struct drill *drill, struct drill_person *person, int64_t since_ms,
                          const struct drill_effects *effects)
{
    struct look look = {.person = person, .effects = effects, .began_ms = clock_mono_ms()};
    if (since_ms >= 0) {
        expect_contact(drill, &look, since_ms);
    }
    json_decref(look.found);
}

void drill_expect_mail(struct drill *drill, struct drill_person *person, int64_t since_ms,
                       enum rule_id rule)
{
    static const struct drill_effects none = {0};
    struct look look = {
        .person = person, .effects = &none, .mail = rule, .began_ms = clock_mono_ms()};
    if (since_ms >= 0 && drill_mail_due(drill, rule)) {
        expect_mail(drill, &look, since_ms);
    }
    json_decref(look.found);
}

/* --- alerts --------------------------------------------------------------------------------- */

struct standing {
    const char *rule;
    const char *object;
    bool stands;
};

static bool is_standing(struct drill *drill, void *about)
{
    const struct standing *wanted = about;
    json_t *answer = drill_ask(drill, "alert", json_pack("{s:s}", "ask", "alerts")), *one;
    bool stands = false;
    size_t i;
    json_array_foreach(tree_get(answer, "alerts"), i, one)
    {
        const char *object = wanted->object ? wanted->object : "";
        stands = stands || (strcmp(tree_text(one, "rule"), wanted->rule) == 0 &&
                            strncmp(tree_text(one, "object"), object, strlen(object)) == 0);
    }
    bool known = answer != NULL;
    json_decref(answer);
    return known && stands == wanted->stands;
}

void drill_expect_alert(struct drill *drill, const char *rule, const char *object, bool stands)
{
    struct standing wanted = {rule, object, stands};
    char *what = must_sprintf("alert %s%s%s %s", rule, object ? " of " : "", object ? object : "",
                              stands ? "raised" : "cleared");
    bool is = drill_wait(drill, is_standing, &wanted, DRILL_MEND_MS);
    drill_check(drill, what, is, -1, 0, "it was not within %d s", DRILL_MEND_MS / 1000);
    free(what);
}
