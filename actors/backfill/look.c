/* look.c - a run, one page after the other: what a page brings is sifted, kept and committed
 * together with the place to go on from. */
#include "backfill_core.h"

#include "clock.h"
#include "logs.h"
#include "must.h"
#include "stripe_facts.h"
#include "values.h"

#include <string.h>

/* --- keeping what was found ------------------------------------------------------------------- */

static json_t *line_of(const struct source *source, const struct finding *finding)
{
    const struct translation *translation = &finding->translation;
    json_t *line = json_object(), *facts = json_array();
    for (size_t i = 0; i < translation->fact_count; i++) {
        MUST(json_array_append_new(facts, fact_tree(&translation->facts[i])) == 0);
    }
    tree_set_text(line, "id", finding->id);
    tree_set_text(line, "source", source->name);
    tree_set_text(line, "type", translation->type);
    tree_set_text(line, "provider_type", translation->provider_type);
    tree_set_int(line, "time", translation->created_s * 1000);
    tree_set_text(line, "reason", finding->reason);
    tree_set(line, "facts", facts);
    return line;
}

static enum fault keep_line(struct backfill *backfill, struct store_txn *txn,
                            const struct source *source, const struct finding *finding)
{
    uint8_t key[8];
    store_key_u64((uint64_t)backfill->run.next_row, key);
    json_t *line = line_of(source, finding);
    enum fault fault = tree_save(txn, TABLE_LINES, (struct slice){key, sizeof key}, line);
    json_decref(line);
    return fault;
}

static enum fault keep(struct backfill *backfill, struct store_txn *txn,
                       const struct source *source, const struct finding *finding, bool drift)
{
    struct run *run = &backfill->run;
    const struct translation *translation = &finding->translation;
    enum fault fault = run->next_row < LINES_MAX ? keep_line(backfill, txn, source, finding) : OK;
    if (fault == OK && run->apply) {
        uint8_t key[16]; /* oldest first */
        store_key_u64((uint64_t)translation->created_s, key);
        store_key_u64((uint64_t)run->next_row, key + 8);
        const struct buf *packed = &backfill->sift.packed;
        fault = store_put(txn, TABLE_FOUND, (struct slice){key, sizeof key},
                          (struct slice){packed->bytes, packed->len});
    }
    for (size_t i = 0; fault == OK && i < translation->fact_count; i++) {
        fault = picture_would(txn, source->name, &translation->facts[i]);
    }
    run->next_row++;
    run->missing += !drift;
    run->drifted += drift;
    run_count(run, translation->type);
    return fault;
}

/* --- one page --------------------------------------------------------------------------------- */

struct page_work {
    struct backfill *backfill;
    const struct source *source;
    struct step step;
};

static enum fault sift_item(struct backfill *backfill, struct store_txn *txn,
                            const struct page_work *work, struct slice item)
{
    struct run *run = &backfill->run;
    struct finding finding;
    int64_t now_ms = clock_wall_ms();
    enum fault fault;
    bool events = work->step.sweep == SWEEP_EVENTS;
    if (events) {
        fault = sift_event(&backfill->sift, txn, work->source, item, now_ms, run->apply, &finding);
    } else {
        struct sift_object object = {.item = item,
                                     .asked_ms = backfill->asked_ms,
                                     .now_ms = now_ms,
                                     .raw = run->apply,
                                     .everybody = run->kind != RUN_MEMBER,
                                     .why = "drift"};
        fault = sift_object(&backfill->sift, txn, work->source, &object, &finding);
    }
    run->looked++;
    if (fault == OK && finding.unreadable) {
        run->skipped++;
        run_trouble(run, "%s: something that cannot be recorded was passed over",
                    sweep_row(work->step.sweep)->word);
    }
    return fault == OK && finding.found ? keep(backfill, txn, work->source, &finding, !events)
                                        : fault;
}

static enum fault work_page(void *self, struct store_txn *txn)
{
    struct page_work *work = self;
    struct backfill *backfill = work->backfill;
    struct run *run = &backfill->run;
    const struct api_page *page = &backfill->page;
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < page->count; i++) {
        fault = sift_item(backfill, txn, work, page->items[i]);
    }
    run->tries = 0;
    run->words[0] = '\0';
    run->pages++;
    if (page->has_more && run->pages == RUN_PAGES_MAX) {
        run_trouble(run, "%s: no end after %d pages", sweep_row(work->step.sweep)->word,
                    RUN_PAGES_MAX);
    }
    if (page->has_more && run->pages < RUN_PAGES_MAX) {
        snprintf(run->after, sizeof run->after, "%s", page->last);
    } else {
        run_next_step(run);
    }
    if (run->apply && store_count(txn, TABLE_FOUND) >= (uint64_t)backfill->found_max) {
        run->stage = RUN_PUBLISHING;
    }
    if (fault == OK) {
        fault = key_tell(backfill, txn, work->source->name, NULL);
    }
    return fault == OK ? keep_run(backfill, txn) : fault;
}

/* Counts go back with the transaction; what is only memory is taken from the tree before it. */
static void take_page(struct backfill *backfill, const struct source *source,
                      const struct step *step)
{
    struct page_work work = {.backfill = backfill, .source = source, .step = *step};
    json_t *shared = run_tree(&backfill->run), *before = json_deep_copy(shared);
    enum fault fault = actor_change(backfill->actor, work_page, &work);
    if (fault != OK) { /* a full disk: the same page again, later */
        run_fini(&backfill->run);
        MUST(run_read(before, &backfill->run) == OK);
        wait_for(backfill, backfill->retry_ms);
    }
    json_decref(shared);
    json_decref(before);
}

/* --- what else an answer may be ----------------------------------------------------------------
 */

static enum fault work_save(void *self, struct store_txn *txn)
{
    return keep_run(self, txn);
}

static void save_now(struct backfill *backfill)
{
    enum fault fault = actor_change(backfill->actor, work_save, backfill);
    if (fault != OK) {
        logs_write(LOGS_WARN, "how far the run is was not kept", "fault", fault_name(fault), NULL);
    }
}

static bool step_now(const struct backfill *backfill, struct step *step)
{
    return run_step(&backfill->run, backfill->run.step, backfill->names, backfill->remote_count,
                    backfill->batches, step);
}

static void give_up_step(struct backfill *backfill, const char *what, const char *words)
{
    run_trouble(&backfill->run, "%s: %s", what, words);
    backfill->run.failed = true;
    run_next_step(&backfill->run);
    save_now(backfill);
}

struct refused_work {
    struct backfill *backfill;
    const char *source, *error;
};

static enum fault work_refused(void *self, struct store_txn *txn)
{
    struct refused_work *work = self;
    enum fault fault = key_tell(work->backfill, txn, work->source, work->error);
    return fault == OK ? keep_run(work->backfill, txn) : fault;
}

/* Nothing more can be asked of this source; `refused`: by its own word. */
static void give_up_source(struct backfill *backfill, const struct step *of, const char *words,
                           bool refused)
{
    struct step step;
    const char *source = backfill->names[of->source];
    struct refused_work work = {backfill, source, words};
    run_trouble(&backfill->run, "%s: %s", source, words);
    backfill->run.failed = true;
    do {
        run_next_step(&backfill->run);
    } while (step_now(backfill, &step) && step.source == of->source);
    if (!refused || actor_change(backfill->actor, work_refused, &work) != OK) {
        save_now(backfill);
    }
}

static void try_again(struct backfill *backfill, const struct step *step,
                      const struct api_answer *said)
{
    struct run *run = &backfill->run;
    if (++run->tries > TRIES_MAX) {
        give_up_step(backfill, sweep_row(step->sweep)->word, said->words);
        return;
    }
    snprintf(run->words, sizeof run->words, "%s: %s", sweep_row(step->sweep)->word, said->words);
    wait_for(backfill,
             run_wait_ms(run->tries, backfill->retry_ms, said->retry_after_ms, random_u64()));
    save_now(backfill);
}

/* A cursor that the provider does not know any more (it is older than what it keeps): from the
 * start. A customer that is not there: nothing to look at. */
static void missing(struct backfill *backfill, const struct step *step,
                    const struct api_answer *said)
{
    struct run *run = &backfill->run;
    if (*run->after && ++run->tries <= 2) {
        run->after[0] = '\0';
        run->pages = 0;
        save_now(backfill);
    } else if (step->customer && !*run->after) {
        run_next_step(run);
        save_now(backfill);
    } else {
        give_up_step(backfill, sweep_row(step->sweep)->word, said->words);
    }
}

static void on_page(void *self, const struct answer *answer)
{
    struct backfill *backfill = self;
    struct run *run = &backfill->run;
    struct api_answer said;
    struct step step;
    ask_ended(backfill, answer, &said);
    if (run->stage != RUN_LISTING || !step_now(backfill, &step)) {
        return;
    }
    const struct sweep_row *row = sweep_row(step.sweep);
    switch (said.verdict) {
    case API_FINE:
        take_page(backfill, backfill->remotes[step.source], &step);
        break;
    case API_SMALLER:
        run->limit = run->limit / 2;
        save_now(backfill);
        break;
    case API_AGAIN:
        try_again(backfill, &step, &said);
        break;
    case API_REFUSED:
        give_up_source(backfill, &step, said.words, true);
        break;
    case API_FORBIDDEN:
        snprintf(said.words, sizeof said.words, "the key may not read \"%s\" (403)", row->right);
        give_up_step(backfill, row->word, said.words);
        break;
    case API_MISSING:
        missing(backfill, &step, &said);
        break;
    default:
        give_up_step(backfill, row->word, said.words);
    }
}

/* --- asking ----------------------------------------------------------------------------------- */

static void add_types(struct api_ask *ask, size_t batch)
{
    const char *type;
    for (size_t i = 0; i < API_TYPES_MAX && (type = stripe_type_nth(batch * API_TYPES_MAX + i));
         i++) {
        ask->types[i] = type;
    }
}

static bool start(struct backfill *backfill, const struct step *step, const char *key)
{
    const struct sweep_row *row = sweep_row(step->sweep);
    struct run *run = &backfill->run;
    struct buf path = {0}, query = {0};
    struct api_ask ask = {.after = run->after, .limit = (int)run->limit};
    buf_add_text(&path, row->path);
    buf_add_text(&query, row->query);
    if (step->sweep == SWEEP_EVENTS) {
        add_types(&ask, step->batch);
        ask.since_s = run->since_s;
        ask.until_s = run->until_s;
    } else if (step->customer && strcmp(row->customer, "/") == 0) {
        buf_add_text(&path, "/");
        call_escape(&path, step->customer);
        ask.limit = 0;
    } else if (step->customer) {
        buf_printf(&query, "%s%s=", query.len ? "&" : "", row->customer);
        call_escape(&query, step->customer);
    }
    ask.path = buf_text(&path);
    ask.query = buf_text(&query);
    bool started = ask_start(backfill, backfill->remotes[step->source], key, &ask, on_page);
    buf_fini(&path);
    buf_fini(&query);
    return started;
}

static enum fault work_listed(void *self, struct store_txn *txn)
{
    struct backfill *backfill = self;
    backfill->run.stage = RUN_PUBLISHING;
    return backfill->run.apply ? keep_run(backfill, txn) : keep_end(backfill, txn);
}

void look_on(struct backfill *backfill)
{
    struct step step;
    char words[KEY_WORDS_BYTES], *key = NULL;
    if (!step_now(backfill, &step)) {
        if (actor_change(backfill->actor, work_listed, backfill) != OK) {
            backfill->run.stage = RUN_LISTING;
            wait_for(backfill, backfill->retry_ms);
        }
        return;
    }
    if (!key_take(backfill->remotes[step.source], &key, words)) {
        give_up_source(backfill, &step, words, false);
    } else if (!start(backfill, &step, key)) {
        give_up_source(backfill, &step, "the API's URL may not be called: https only", false);
    }
    key_drop(&key);
}
