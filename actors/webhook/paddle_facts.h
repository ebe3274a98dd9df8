/* paddle_facts.h - what a Paddle Billing notification says, as canonical facts. Pure.
 *
 *   notification                              facts (links always as well, where ids are named)
 *   transaction.completed                     payment paid; of amount 0, too (a trial's begin), but
 *                                             links only when a card was changed for nothing
 *   transaction.payment_failed, .past_due     payment failed; links only while somebody is still at
 *                                             an open checkout: there the page itself says so, and
 *                                             the next card may do
 *   subscription.*                            subscription
 *   adjustment.* of a refund                  refund_state; once approved a refund of what is known
 *                                             of it: in full with its amount, else by its states
 *   adjustment.* of a chargeback              dispute
 *   customer.created, .updated, .imported     customer
 *
 * Anything else is provider.ignored, credits as well: they give no money back.
 *
 * Ids are unlike over all kinds ("txn_", "sub_"). A transaction is the payment and its charge in
 * one, so refunds have its id as their key. So have disputes: a chargeback and its reversal are two
 * adjustments with ids of their own, and the transaction is what they share.
 *
 * The event's id is event_id: notification_id is another one with every delivery. A notification
 * does not say its mode; the sandbox has endpoints and secrets of its own, so it is the source's.
 * There is no e-mail but in customer.*: the customer's id joins them. The app's own user id is the
 * first of rules->app_user_keys found in custom_data. Items show prices and products. */
#ifndef USHER_PADDLE_FACTS_H
#define USHER_PADDLE_FACTS_H

#include "provider.h"

enum fault paddle_facts(const struct tape *tape, const struct provider_rules *rules,
                        struct translation *out) NODISCARD;

#endif
