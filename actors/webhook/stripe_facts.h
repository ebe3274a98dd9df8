/* stripe_facts.h - what a Stripe event says, as canonical facts. Pure.
 *
 * Both shapes are read: the one before the API version "basil" (invoice.subscription,
 * charge.invoice, subscription.current_period_end) and the one since (invoice.parent,
 * invoice_payment, items.data[].current_period_end). Ids are taken as text or as expanded objects.
 *
 *   event                                     facts (links always as well, where ids are named)
 *   checkout.session.completed, .async_...    payment paid or failed if mode is payment and the
 *                                             money is there; links only while unpaid and for
 *                                             subscriptions, whose invoice says the rest
 *   customer.subscription.*                   subscription
 *   invoice.paid, .payment_succeeded          payment paid (of amount 0, too)
 *   invoice.payment_failed                    payment failed; final if no attempt will follow
 *   invoice.payment_action_required           links: nothing is lost yet
 *   invoice_payment.paid                      link payment intent or charge -> invoice
 *   charge.succeeded, .updated                links
 *   payment_intent.succeeded                  links
 *   charge.refunded                           refund
 *   refund.*, charge.refund.updated           refund_state
 *   charge.dispute.*                          dispute
 *   customer.created, .updated, .deleted      customer
 *
 * Anything else is provider.ignored. So is an expired checkout (nothing was bought), an event of
 * the other mode (no facts), and an event of products that are not ours (facts marked foreign).
 *
 * The app's own user id is client_reference_id of a checkout, or the first of rules->app_user_keys
 * found in metadata (an invoice shows its subscription's, too).
 *
 * Ours or not, when rules->products names some: a subscription by its items, an invoice by its
 * lines, a one-off checkout by metadata "product" or "price" (its lines are not in the event). A
 * payment or subscription that shows no product is then foreign; but a checkout that shows none
 * and has an invoice leaves the payment to that. */
#ifndef USHER_STRIPE_FACTS_H
#define USHER_STRIPE_FACTS_H

#include "provider.h"

enum fault stripe_facts(const struct tape *tape, const struct provider_rules *rules,
                        struct translation *out) NODISCARD;

/* The event types that mean something: 0, 1, 2, ... until NULL. */
const char *stripe_type_nth(size_t n);

#endif
