/* webhook.h - the door: signed posts of providers become events in the journal.
 *
 * Use        usher-webhook is actor_main() with webhook_actor. It reads nothing from the broker.
 * Promise    200 means that the event is on disk (G1). What cannot be written is refused with 503.
 * Answers    POST /api/webhooks/payment, /support and /mail, and below each the name of a source: 200
 *            {"received":true,"duplicate":false}; 400 (signature or body: one answer for all), 404
 *            (no such source), 405, 413, 415, 429, 500 (the broker refuses it for good), 503 with
 *            Retry-After. HEAD: 200 with Allow.
 *            /api/unsubscribe/<token>: GET shows a page with a button, POST publishes
 *            mail.unsubscribed and answers with a page; 404 to a token that the mailer did not make.
 * Questions  {"ask":"delivery","id":"evt_..."} and {"ask":"stats"}.
 * See        provider.h, door.h, deliveries.h */
#ifndef USHER_WEBHOOK_H
#define USHER_WEBHOOK_H

#include "actor.h"

extern const struct actor_class webhook_actor;

/* Rows of the section beside the door's and the sources': for whoever reads the section, too. */
extern const struct setting webhook_settings[];

#endif
