/* mapping.h - what a sender's events mean, told by a file instead of C.
 *
 * Use        mapping_read() with the setting's words, mapping_facts() with each body.
 * Format     ZPL (zpl.h). Texts are templates (json_template.h).
 *
 *              sender
 *                  type = "{type}"           where the event's type is; this is the default
 *                  time = "{timestamp}"      its time; default; else the time of the delivery
 *                  live = "{livemode}"       true or false; without it the source's mode
 *              events
 *                  order.paid                a type; what is not named here has no effect
 *                      product = "{data.product_id}"     any number of these
 *                      payment               a fact, by its kind; any number of these
 *                          key = "{data.id}"
 *                          status = "{data.status}"
 *                              paid = paid               what it shows = what we call it
 *                              else = failed             anything else, or nothing
 *                          amount = "{data.total}+{data.tax}"
 *                  order.updated = order.paid            means the same
 *
 *            Facts and their fields are those of schema/facts.h, without _ms: key, status,
 *            customer, email, name, app_user, subscription, payment_intent, object, reason,
 *            currency, amount, of, attempt, until, ends, ended, trial_until, final, deleted, and
 *            `at` for a fact with a time of its own. `when = "{data.kind} = card"` takes a fact
 *            only if it shows that, `when = "{data.paid}"` if it shows anything but false.
 *            Amounts are whole numbers in the smallest unit; times RFC 3339, or unix seconds or
 *            milliseconds. Any field may have a table below it; what is not in the table shows
 *            nothing. A fact without its key, or whose status is none of its kind's, is left out.
 *            An event without a product follows its subscription (reader.h).
 * Faults     CONFIG, with one line a mistake in `why` ("mappings/own.cfg:7: ...").
 * See        mappings/ (shipped, named without path: polar, clerk); tests/unit/webhook/ */
#ifndef USHER_MAPPING_H
#define USHER_MAPPING_H

#include "provider.h"

struct mapping;

/* `words` is the name of a shipped one, or a file's path in the home. */
enum fault mapping_read(const char *home, const char *words, struct mapping **out,
                        struct buf *why) NODISCARD;
enum fault mapping_parse(const char *file, const void *bytes, size_t len, struct mapping **out,
                         struct buf *why) NODISCARD;
void mapping_destroy(struct mapping **mapping);

/* `id` and `sent_s` are the delivery's. */
enum fault mapping_facts(const struct mapping *mapping, const char *id, int64_t sent_s,
                         const struct tape *tape, const struct provider_rules *rules,
                         struct translation *out) NODISCARD;

#endif
