/* told.h - histories as a provider tells them: told in every order, they end in one place.
 *
 * A history is a list of bodies of tests/fixtures/FOLDER. tell_every_order() goes through all
 * orders of them and compares where they end (stories.h), NULL being "the same, wherever". */
#ifndef USHER_TOLD_H
#define USHER_TOLD_H

#include "ledger/stories.h"

#include "home.h"
#include "json_tape.h"
#include "provider.h"

enum { BODIES_MAX = 9 };

struct history {
    const char *name;
    const char *ends;
    const char *bodies[BODIES_MAX];
};

struct teller {
    const char *folder; /* and the source's name */
    const struct provider *provider;
    const void *own;
};

static struct rules rules;

static inline size_t no_headers(const struct post *post, const char *name, const char **values,
                                size_t room)
{
    (void)post;
    if (room > 0) {
        values[0] = name; /* an id is all that is asked for, and any will do */
    }
    return 1;
}

static inline void tell_body(struct factset *set, const struct teller *teller, const char *name)
{
    const struct provider_rules given = {.live = false,
                                         .products = "",
                                         .app_user_keys = "user_id app_user userId",
                                         .own = teller->own};
    char *path = must_sprintf("%s/tests/fixtures/%s/%s.json", USHER_SOURCE, teller->folder, name);
    char *body;
    size_t len;
    if (home_read_file(path, 1 << 20, &body, &len) != OK) {
        fail_msg("%s cannot be read", path);
    }
    const struct post post = {.body = {body, len}, .headers = no_headers};
    struct tape tape = {0};
    struct translation translation;
    assert_int_equal(tape_parse(&tape, body, len), OK);
    assert_int_equal(teller->provider->translate(&post, &tape, &given, &translation), OK);
    assert_true(translation.fact_count > 0);
    for (size_t i = 0; i < translation.fact_count; i++) {
        factset_add(set, teller->folder, &translation.facts[i], START);
    }
    tape_fini(&tape);
    free(body);
    free(path);
}

static inline char *words_of(const struct factset *sets, const size_t *order, size_t count)
{
    struct factset set = {0};
    for (size_t i = 0; i < count; i++) {
        factset_merge(&set, &sets[order[i]]);
    }
    struct view *view = view_new(&set, &rules);
    char *words = story_words(view);
    view_destroy(&view);
    factset_fini(&set);
    return words;
}

/* Heap's way through all orders. */
static inline void permute(const struct history *history, const struct factset *sets, size_t *order,
                           size_t count, size_t left, const char *first)
{
    if (left == 1) {
        char *words = words_of(sets, order, count);
        if (strcmp(words, first) != 0) {
            fail_msg("%s: %s in another order, %s first", history->name, words, first);
        }
        free(words);
        return;
    }
    for (size_t i = 0; i < left; i++) {
        permute(history, sets, order, count, left - 1, first);
        size_t other = left % 2 ? 0 : i, swap = order[other];
        order[other] = order[left - 1];
        order[left - 1] = swap;
    }
}

static inline void tell_every_order(const struct teller *teller, const struct history *histories,
                                    size_t history_count)
{
    for (size_t h = 0; h < history_count; h++) {
        const struct history *history = &histories[h];
        struct factset sets[BODIES_MAX] = {0};
        size_t order[BODIES_MAX], count = 0;
        while (count < BODIES_MAX && history->bodies[count]) {
            tell_body(&sets[count], teller, history->bodies[count]);
            order[count] = count;
            count++;
        }
        char *first = words_of(sets, order, count);
        if (history->ends && strcmp(first, history->ends) != 0) {
            fail_msg("%s, %s: ends as %s, not as %s", teller->folder, history->name, first,
                     history->ends);
        }
        permute(history, sets, order, count, count, first);
        for (size_t i = 0; i < count; i++) {
            factset_fini(&sets[i]);
        }
        free(first);
    }
}

#define TELL(teller, histories)                                                                    \
    tell_every_order(teller, histories, sizeof histories / sizeof *histories)

#endif
