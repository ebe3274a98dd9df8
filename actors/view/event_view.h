/* event_view.h - an event as people see it: in plain words, without what is private.
 *
 * Use        Events are trees as event_json() makes them (CloudEvents, plus seq). Pure.
 * Ownership  Text appended is the caller's buf. */
#ifndef USHER_EVENT_VIEW_H
#define USHER_EVENT_VIEW_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>

/* Masks what looks like an e-mail address in every text of the tree:
 * "ada@example.com" becomes "a***@example.com"; and what stands under "name": "Ada" becomes
 * "A***". In place. */
void view_redact(json_t *tree);
/* The same for one text. */
void view_redact_text(const char *text, struct buf *out);

/* Takes the provider's raw body out of the event's data; its length stays as raw_bytes. */
void view_drop_raw(json_t *event);

/* What happened, in a few words: "29.00 USD paid (in_1)". */
void view_words(const json_t *event, struct buf *out);

/* Who it is about: the member's name, or an address, or ""; borrowed from the event. */
const char *view_person(const json_t *event);

/* An id without its provider ("stripe:evt_1" is "evt_1"); our own ids stay whole. */
const char *view_bare_id(const char *id);

/* Does the id, as somebody typed it, name this one? With or without the provider. */
bool view_same_id(const char *id, const char *typed);

#endif
