/* drill_cases.c - the monthly pack: what happens to a community's tools, one case after the other,
 * each with people of its own, who signed up hours before as far as the provider says. */
#include "drill_core.h"

#include "digest.h"
#include "home.h"
#include "must.h"
#include "values.h"
#include "wall.h"

#include <stdlib.h>
#include <string.h>

enum { HOUR_MS = 3600 * 1000, KEY_BYTES = 64 };

/* A member who has got all that a new one gets. False if not, which fails the case: there is no
 * more to be seen in it. */
static bool sign_up(struct drill *drill, struct drill_person *person, const char *word)
{
    drill_person_init(person, word);
    int64_t since_ms = drill_tell(drill, person, "payment.succeeded", 2 * HOUR_MS);
    if (drill_expect_access(drill, person, since_ms, true, "signed up") < 0) {
        return false;
    }
    drill_expect_mail(drill, person, since_ms, RULE_FIRST_ACCESS);
    return true;
}

/* Access as it should be, and then what follows from it; without it there is nothing to follow. */
static void expect(struct drill *drill, struct drill_person *person, int64_t since_ms, bool access,
                   const char *what, const struct drill_effects *effects)
{
    if (drill_expect_access(drill, person, since_ms, access, what) >= 0) {
        drill_expect_effects(drill, person, since_ms, effects);
    }
}

/* --- what happens to members ---------------------------------------------------------------- */

static void run_new(struct drill *drill)
{
    static const struct drill_effects effects = {
        .tag = RULE_FIRST_ACCESS, .mails = {RULE_FIRST_ACCESS}, .mail_count = 1, .at_once = true};
    struct drill_person person;
    drill_person_init(&person, "new-member");
    int64_t since_ms = drill_tell(drill, &person, "payment.succeeded", 0);
    expect(drill, &person, since_ms, true, "membership record", &effects);
}

static void run_failed(struct drill *drill)
{
    const struct rule *rule = &drill->rules.rule[RULE_PAYMENT_FAILED];
    struct drill_effects effects = {.tag = RULE_PAYMENT_FAILED,
                                    .mails = {RULE_FIRST_ACCESS, RULE_PAYMENT_FAILED},
                                    .mail_count = 2,
                                    .alerts = rule->alert};
    bool grace = drill->rules.grace_ms > 0;
    struct drill_person person;
    if (!sign_up(drill, &person, "failed-card")) {
        return;
    }
    int64_t since_ms = drill_tell(drill, &person, "payment.failed", 0);
    const char *what = grace ? "access within the grace" : "access paused";
    expect(drill, &person, since_ms, grace, what, &effects);
}

/* The note of a rule, if the desk gets it. */
static void add_note(const struct drill *drill, struct drill_effects *effects, enum rule_id rule,
                     const char *key)
{
    if (drill->rules.rule[rule].support) {
        effects->notes[effects->note_count++] = key;
    }
}

static void run_refund(struct drill *drill)
{
    struct drill_effects effects = {
        .tag = RULE_REFUNDED, .mails = {RULE_FIRST_ACCESS}, .mail_count = 1};
    struct drill_person person;
    add_note(drill, &effects, RULE_REFUNDED, "refund:");
    if (!sign_up(drill, &person, "refund")) {
        return;
    }
    int64_t since_ms = drill_tell(drill, &person, "payment.refunded", 0);
    drill->refund_ms_max = drill_expect_access(drill, &person, since_ms, false, "access revoked");
    if (drill->refund_ms_max >= 0) {
        drill_expect_effects(drill, &person, since_ms, &effects);
    }
}

static void run_chargeback(struct drill *drill)
{
    struct drill_effects effects = {.tag = RULE_DISPUTE_OPENED,
                                    .mails = {RULE_FIRST_ACCESS},
                                    .mail_count = 1,
                                    .alerts = drill->rules.rule[RULE_DISPUTE_OPENED].alert};
    struct drill_person person;
    add_note(drill, &effects, RULE_DISPUTE_OPENED, "dispute:");
    if (!sign_up(drill, &person, "chargeback")) {
        return;
    }
    int64_t since_ms = drill_tell(drill, &person, "dispute.opened", 0);
    expect(drill, &person, since_ms, false, "access revoked", &effects);
}

static void run_cancelled(struct drill *drill)
{
    static const struct drill_effects effects = {
        .tag = RULE_OVER, .mails = {RULE_FIRST_ACCESS, RULE_OVER}, .mail_count = 2};
    struct drill_person person;
    if (!sign_up(drill, &person, "cancelled")) {
        return;
    }
    int64_t since_ms = drill_tell(drill, &person, "subscription.ended", 0);
    expect(drill, &person, since_ms, false, "access ended", &effects);
}

static void run_reactivated(struct drill *drill)
{
    static const struct drill_effects effects = {.tag = RULE_FIRST_ACCESS,
                                                 .mails = {RULE_FIRST_ACCESS, RULE_OVER, RULE_BACK},
                                                 .mail_count = 3};
    struct drill_person person;
    if (!sign_up(drill, &person, "reactivated")) {
        return;
    }
    int64_t since_ms = drill_tell(drill, &person, "subscription.ended", HOUR_MS);
    drill_expect_access(drill, &person, since_ms, false, "access ended");
    drill_expect_mail(drill, &person, since_ms, RULE_OVER);
    since_ms = drill_tell(drill, &person, "reactivated", 0);
    expect(drill, &person, since_ms, true, "access again", &effects);
}

/* --- everything again ----------------------------------------------------------------------- */

static void shuffle(json_t *list)
{
    for (size_t i = json_array_size(list); i > 1; i--) {
        size_t j = random_u64() % i;
        json_t *a = json_incref(json_array_get(list, i - 1));
        json_t *b = json_incref(json_array_get(list, j));
        json_array_set_new(list, i - 1, b);
        json_array_set_new(list, j, a);
    }
}

/* How many things are there now that were not there before; a change of one counts, too. */
static size_t difference(const json_t *before, const json_t *after)
{
    size_t count = 0;
    const char *name;
    json_t *now;
    json_object_foreach((json_t *)after, name, now)
    {
        const json_t *then = tree_get(before, name);
        size_t had = json_array_size(then), has = json_array_size(now);
        if (!json_equal(then, now)) {
            count += has > had ? has - had : 1;
        }
    }
    return count;
}

static void run_replay(struct drill *drill)
{
    json_t *events = json_array();
    if (json_array_size(drill->told) == 0) { /* this case alone */
        struct drill_person person;
        (void)sign_up(drill, &person, "replay");
    }
    for (int i = 0; i < DRILL_REPLAYS; i++) {
        json_array_extend(events, drill->told);
    }
    shuffle(events);
    bool quiet = drill_quiet(drill);
    json_t *earlier = drill_everything(drill);
    struct drill_posts posts = drill_post_all(drill, events);
    quiet = drill_quiet(drill) && quiet;
    json_t *now = drill_everything(drill);
    size_t count = json_array_size(events);
    drill->replays = DRILL_REPLAYS;
    drill->duplicates = (int64_t)difference(earlier, now);
    drill_check(drill, "each copy taken", posts.taken == count, -1, 0, "%zu of %zu", posts.taken,
                count);
    drill_check(drill, "each copy known", posts.known == count, -1, 0, "%zu of %zu", posts.known,
                count);
    drill_check(drill, "nothing done twice", quiet && drill->duplicates == 0, -1, 0,
                "%lld effects came of %d copies of each event", (long long)drill->duplicates,
                DRILL_REPLAYS);
    json_decref(events);
    json_decref(earlier);
    json_decref(now);
}

/* --- when tools fail ------------------------------------------------------------------------ */

/* What a target takes from now on is not what usher has. */
static void expire_key(struct stand *stand)
{
    uint8_t dice[16];
    free(stand->key);
    stand->key = must_calloc(1, KEY_BYTES);
    random_bytes(dice, sizeof dice);
    memcpy(stand->key, "renewed-", 8);
    hex_encode(dice, sizeof dice, stand->key + 8);
}

/* The founder pastes the new key into the file that usher.cfg names. */
static void renew_key(struct drill *drill, const struct stand *stand)
{
    enum fault fault = home_write_file(stand->secret_path, stand->key, strlen(stand->key), 0600);
    drill_check(drill, "new key in its file", fault == OK, -1, 0, "%s", fault_words(fault));
}

/* Those that show a key and are called in this case, by the rules in force. */
static size_t keyed_targets(struct drill *drill, struct stand *stands[3])
{
    static const char *const actors[] = {"crm", "mailer", "support"};
    const bool called[] = {*drill->rules.rule[RULE_FIRST_ACCESS].tag != '\0',
                           drill->rules.rule[RULE_FIRST_ACCESS].mail,
                           drill->rules.rule[RULE_PARTLY_REFUNDED].support};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        struct stand *stand = drill_stand(drill, actors[i]);
        if (stand && called[i] && stand_has_key(stand)) {
            stands[count++] = stand;
        }
    }
    return count;
}

static void run_expired(struct drill *drill)
{
    struct drill_effects effects = {.tag = RULE_FIRST_ACCESS,
                                    .mails = {RULE_FIRST_ACCESS},
                                    .mail_count = 1,
                                    .within_ms = DRILL_MEND_MS};
    struct stand *stands[3];
    struct drill_person person;
    size_t count = keyed_targets(drill, stands);
    if (count == 0) {
        drill_not_applicable(drill, "no target of this configuration is shown a key");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        expire_key(stands[i]);
    }
    add_note(drill, &effects, RULE_PARTLY_REFUNDED, "refund:");
    drill_person_init(&person, "expired-key");
    int64_t since_ms = drill_tell(drill, &person, "payment.succeeded", 0);
    drill_expect_access(drill, &person, since_ms, true, "membership record meanwhile");
    since_ms = drill_tell(drill, &person, "payment.partly_refunded", 0);
    for (size_t i = 0; i < count; i++) {
        drill_expect_alert(drill, "key_refused", stands[i]->slot, true);
    }
    for (size_t i = 0; i < count; i++) {
        renew_key(drill, stands[i]);
    }
    drill_expect_effects(drill, &person, since_ms, &effects);
    for (size_t i = 0; i < count; i++) {
        drill_expect_alert(drill, "key_refused", stands[i]->slot, false);
    }
}

/* A tool that cannot be reached; where it is part of usher, its process is away. */
static void set_down(struct drill *drill, const char *actor, bool down)
{
    struct stand *stand = drill_stand(drill, actor);
    bool done = true;
    if (stand) {
        done = stand_down(stand, down) == OK;
    } else if (down) {
        drill_process_stop(drill, actor);
    } else {
        done = drill_process_start(drill, actor);
    }
    char *what = must_sprintf(stand ? "%s %s" : "the process %s is %s", actor,
                              down ? stand ? "refuses connections" : "stopped" : "there again");
    drill_check(drill, what, done, -1, 0, "that could not be done");
    free(what);
}

static void run_crm_down(struct drill *drill)
{
    static const struct drill_effects effects = {.tag = RULE_FIRST_ACCESS,
                                                 .mails = {RULE_FIRST_ACCESS},
                                                 .mail_count = 1,
                                                 .within_ms = DRILL_MEND_MS};
    struct drill_person person;
    set_down(drill, "crm", true);
    drill_person_init(&person, "crm-down");
    int64_t since_ms = drill_tell(drill, &person, "payment.succeeded", 0);
    drill_expect_access(drill, &person, since_ms, true, "membership record meanwhile");
    drill_expect_mail(drill, &person, since_ms, RULE_FIRST_ACCESS);
    set_down(drill, "crm", false);
    drill_expect_effects(drill, &person, since_ms, &effects);
}

static void run_desk_down(struct drill *drill)
{
    struct drill_effects effects = {.tag = RULE_REFUNDED,
                                    .mails = {RULE_FIRST_ACCESS},
                                    .mail_count = 1,
                                    .within_ms = DRILL_MEND_MS};
    struct drill_person person;
    add_note(drill, &effects, RULE_REFUNDED, "refund:");
    if (effects.note_count == 0) {
        drill_not_applicable(drill, "rules.cfg sends the helpdesk no note of a refund");
        return;
    }
    if (!sign_up(drill, &person, "helpdesk-down")) {
        return;
    }
    set_down(drill, "support", true);
    int64_t since_ms = drill_tell(drill, &person, "payment.refunded", 0);
    drill_expect_access(drill, &person, since_ms, false, "access revoked meanwhile");
    drill_expect_contact(drill, &person, since_ms, &effects);
    set_down(drill, "support", false);
    drill_expect_effects(drill, &person, since_ms, &effects);
}

static bool is_dead(struct drill *drill, void *about)
{
    const struct drill_person *person = about;
    json_t *jobs = drill_jobs(drill, "mailer", NULL, "dead"), *job;
    bool dead = false;
    size_t i;
    json_array_foreach(jobs, i, job)
    {
        dead = dead || strcmp(tree_text(job, "member"), person->member) == 0;
    }
    json_decref(jobs);
    return dead;
}

static bool is_skipped(struct drill *drill, void *about)
{
    const struct drill_person *person = about;
    json_t *jobs = drill_jobs(drill, "mailer", person->member, "skipped");
    bool skipped = json_array_size(jobs) > 0;
    json_decref(jobs);
    return skipped;
}

/* The mail provider tells of a bounce: that address gets no more mail. */
static void run_told_bounce(struct drill *drill, const char *teller)
{
    struct drill_effects effects = {.tag = RULE_PAYMENT_FAILED,
                                    .mails = {RULE_FIRST_ACCESS},
                                    .mail_count = 1,
                                    .alerts = drill->rules.rule[RULE_PAYMENT_FAILED].alert};
    struct drill_person person;
    if (!drill_mail_due(drill, RULE_PAYMENT_FAILED)) {
        drill_not_applicable(drill, "rules.cfg has no second mail that would be held back");
        return;
    }
    if (!sign_up(drill, &person, "bounce")) {
        return;
    }
    int status = drill_post_bounce(drill, teller, person.email);
    char *what = must_sprintf("bounce told by %s", teller);
    drill_check(drill, what, status == 200, -1, 0, "it was answered with %d", status);
    free(what);
    (void)drill_quiet(drill);
    int64_t since_ms = drill_tell(drill, &person, "payment.failed", 0);
    drill_expect_access(drill, &person, since_ms, drill->rules.grace_ms > 0, "membership record");
    drill_check(drill, "next mail held back", drill_wait(drill, is_skipped, &person, DRILL_LATE_MS),
                -1, 0, "the mail was not skipped");
    drill_expect_effects(drill, &person, since_ms, &effects);
}

static void run_bounce(struct drill *drill)
{
    static const struct drill_effects effects = {
        .tag = RULE_FIRST_ACCESS, .mails = {RULE_FIRST_ACCESS}, .mail_count = 1, .bounced = true};
    struct stand *stand = drill_stand(drill, "mailer");
    struct drill_person person;
    const char *teller = drill_bounce_teller(drill);
    if (teller) {
        run_told_bounce(drill, teller);
        return;
    }
    if (!stand) {
        drill_not_applicable(drill, "mail goes into a folder, which bounces nothing");
        return;
    }
    if (!drill->rules.rule[RULE_FIRST_ACCESS].mail) {
        drill_not_applicable(drill, "rules.cfg sends no welcome mail that could bounce");
        return;
    }
    drill_person_init(&person, "bounce");
    stand->bounces = must_strdup(person.email);
    int64_t since_ms = drill_tell(drill, &person, "payment.succeeded", 0);
    drill_expect_access(drill, &person, since_ms, true, "membership record");
    drill_expect_effects(drill, &person, since_ms, &effects);
    drill_check(drill, "dead letter", drill_wait(drill, is_dead, &person, DRILL_LATE_MS), -1, 0,
                "the mail that was refused does not wait for a person");
    drill_expect_alert(drill, "dead_letter", NULL, true);
}

/* --- the limits ----------------------------------------------------------------------------- */

static void run_limits(struct drill *drill)
{
    drill_check(drill, "membership records", drill->records > 0, drill->record_ms_max,
                DRILL_RECORD_MS_MAX, "there was none");
    drill_check(drill, "95 of 100 effects", drill->effect_count > 0, drill_effects_p95(drill),
                DRILL_EFFECT_MS_MAX, "there was none");
    if (drill->sealed) {
        int64_t attempts = wall_attempts();
        drill_check(drill, "no call leaves the machine", attempts == 0, -1, 0,
                    "%lld packets were to leave, and could not", (long long)attempts);
    }
}

/* --- the pack ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *title;
    void (*run)(struct drill *drill);
    const char *needs; /* actors without whose targets it proves little */
} pack[] = {{"new_member", "New paid member", run_new, "payment crm mailer app"},
            {"failed_card", "Failed card", run_failed, "payment crm mailer app alert"},
            {"refund", "Refund", run_refund, "payment crm support app"},
            {"chargeback", "Chargeback", run_chargeback, "payment crm support app alert"},
            {"cancelled", "Cancelled", run_cancelled, "payment crm mailer app"},
            {"reactivated", "Reactivated", run_reactivated, "payment crm mailer app"},
            {"replay", "Duplicate replay", run_replay, "payment crm support mailer app alert"},
            {"expired_key", "Expired key", run_expired, "crm support mailer"},
            {"crm_down", "CRM down", run_crm_down, "crm"},
            {"helpdesk_down", "Helpdesk down", run_desk_down, "support"},
            {"mail_bounce", "Mail bounce", run_bounce, "mailer"},
            {"limits", "Limits", run_limits, ""}};

enum { CASES = sizeof pack / sizeof *pack };

/* A case that had to do without a target has not been run, however well the rest went. */
static void mind_missing(struct drill *drill, const char *needs)
{
    size_t i;
    json_t *one;
    json_array_foreach(drill->home.not_drilled, i, one)
    {
        if (strstr(needs, tree_text(one, "actor"))) {
            drill_not_run(drill, "not drilled: nothing stands in for %s/%s",
                          tree_text(one, "actor"), tree_text(one, "provider"));
        }
    }
}

/* Is `name` among the words of a list with commas? */
static bool is_among(const char *name, const char *list)
{
    size_t len = strlen(name);
    for (const char *at = list; *at;) {
        size_t word = strcspn(at, ",");
        if (word == len && memcmp(at, name, len) == 0) {
            return true;
        }
        at += word + (at[word] == ',');
    }
    return false;
}

bool drill_cases_known(const char *only, struct buf *why)
{
    bool known = *only != '\0';
    for (const char *at = only; *at;) {
        size_t word = strcspn(at, ","), i = 0;
        while (i < CASES && (strlen(pack[i].name) != word || memcmp(pack[i].name, at, word) != 0)) {
            i++;
        }
        known = known && i < CASES;
        at += word + (at[word] == ',');
    }
    for (size_t i = 0; !known && i < CASES; i++) {
        buf_printf(why, "%s%s",
                   i ? ", " : "expected names of these, separated by commas: ", pack[i].name);
    }
    return known;
}

void drill_cases_run(struct drill *drill)
{
    const char *only = drill->options->only;
    for (size_t i = 0; i < CASES && !drill->stopped; i++) {
        if (only && !is_among(pack[i].name, only)) {
            continue;
        }
        json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:[]}", "name", pack[i].name, "title",
                                pack[i].title, "result", "passed", "words", "", "checks");
        MUST(one && json_array_append_new(drill->cases, one) == 0);
        drill->now = one;
        if (drill->options->said) {
            drill->options->said(drill->options->self, pack[i].title);
        }
        pack[i].run(drill);
        mind_missing(drill, pack[i].needs);
    }
}
