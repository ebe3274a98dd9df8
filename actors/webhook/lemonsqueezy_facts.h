/* lemonsqueezy_facts.h - what a Lemon Squeezy webhook says, as canonical facts. Pure.
 *
 *   event                                     facts (links always as well, where ids are named)
 *   order_created                             payment paid, once the order is
 *   order_refunded                            refund
 *   subscription_created, _updated, ...       subscription
 *   subscription_payment_success, _recovered  payment paid; links only for a subscription's first
 *                                             invoice, whose money is the order's
 *   subscription_payment_failed               payment failed
 *   subscription_payment_refunded             refund; refund_state for a first invoice, as
 *                                             its order tells of the refund as well
 *
 * Anything else is provider.ignored.
 *
 * Ids are numbers that are unlike only within a kind, so a key says which: "order_7", "sub_7",
 * "inv_7", "cus_7". A subscription names its order and its first invoice names its subscription:
 * "first_7", of subscription 7, is where the two meet. There is no customer event; address and name
 * come with everything.
 *
 * Status words: on_trial is trialing. cancelled is still paid for and ends at ends_at; expired is
 * over. paused is so when its payments are void; a pause that is given away free keeps access.
 *
 * There is no event id: it is the SHA-256 of the body, which stays the same over deliveries. There
 * is no time of the event: it is the object's updated_at. The app's own user id is the first of
 * rules->app_user_keys found in meta.custom_data. Products are numbers of products and variants. */
#ifndef USHER_LEMONSQUEEZY_FACTS_H
#define USHER_LEMONSQUEEZY_FACTS_H

#include "provider.h"

enum fault lemonsqueezy_facts(struct slice body, const struct tape *tape,
                              const struct provider_rules *rules,
                              struct translation *out) NODISCARD;

#endif
