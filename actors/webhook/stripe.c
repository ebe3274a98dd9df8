/* stripe.c - Stripe as a payment provider. */
#include "provider.h"

#include "stripe_facts.h"
#include "stripe_signature.h"

const struct payment_provider payment_stripe = {
    .name = "stripe",
    .signature_header = "Stripe-Signature",
    .verify = stripe_signature_check,
    .translate = stripe_facts,
};
