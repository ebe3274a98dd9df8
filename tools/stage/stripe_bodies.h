/* stripe_bodies.h - Stripe's event bodies as Stripe writes them, for trying a fleet out.
 *
 * Use        Fill a struct stripe_case; stripe_story() appends the events of one word ("what happens
 *            at Stripe when somebody pays") to a list, in the order in which Stripe sends them;
 *            stripe_sign() makes the header of a body.
 * Promise    Every id is derived from the e-mail (or the customer), the number of the subscription
 *            and the billing period, so that a refund finds its payment without any state. Event
 *            ids depend on the time as well, or on `id` alone where that is given: the same again
 *            is a repetition.
 * Formats    https://docs.stripe.com/api: the shape since version 2025-03-31 ("basil"), or the one
 *            before it. The bodies are our own.
 * Ownership  Texts in a case are borrowed; trees appended are the list's. */
#ifndef USHER_STRIPE_BODIES_H
#define USHER_STRIPE_BODIES_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STRIPE_ID_CHARS_MAX = 80 };

struct stripe_case {
    const char *email;
    const char *name;
    const char *customer; /* NULL: derived from the e-mail; "none": a guest's checkout */
    const char *app_user; /* NULL: none */
    const char *id;       /* of the story's main event; NULL: derived */
    const char *currency;
    const char *price;
    const char *product;
    const char *outcome; /* of a closed dispute: "won" or "lost" */
    int64_t amount;      /* of a payment, in the smallest unit */
    int64_t refunded;    /* of it, so far; 0: half, for a part */
    int64_t at_s;        /* when it happens */
    int nth;             /* which subscription or purchase of this person; -1: the story's own */
    int period;          /* which invoice of the subscription; -1: the story's own */
    bool livemode;
    bool old_shape;
};

struct stripe_story {
    const char *word;
    const char *sentence;
    int nth, period; /* when the case does not say */
    void (*tell)(const struct stripe_case *at, json_t *events);
    const char *main_type; /* the event that `id` names */
    int seconds;           /* from the first event to the last */
};

/* 0, 1, 2, ... until NULL. */
const struct stripe_story *stripe_story_nth(size_t n);
const struct stripe_story *stripe_story_find(const char *word);

/* The case with nothing said but the e-mail. */
struct stripe_case stripe_case_default(const char *email, int64_t at_s);

/* Appends whole event objects. */
void stripe_story_tell(const struct stripe_story *story, const struct stripe_case *at,
                       json_t *events);

/* An id of this case: prefix ("cus_", "sub_1U", ...) and what it depends on. */
enum stripe_scope { STRIPE_PERSON, STRIPE_SUBSCRIPTION, STRIPE_PERIOD };
const char *stripe_id(const struct stripe_case *at, const char *prefix, enum stripe_scope scope,
                      char id[STRIPE_ID_CHARS_MAX]);

/* "t=...,v1=...": the value of Stripe-Signature. */
void stripe_sign(const char *secret, int64_t now_s, const void *body, size_t len,
                 struct buf *header);

#endif
