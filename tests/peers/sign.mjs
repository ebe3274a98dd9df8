// Signs webhooks as other people's libraries do. In: [{library, secret, id, body}]; out: [headers].
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import Stripe from "stripe";

const now = () => new Date();
const headers = (prefix, id, at, signature) => ({
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(Math.floor(at / 1000)),
    [`${prefix}-signature`]: signature,
});

const LIBRARIES = {
    standardwebhooks: ({ secret, id, body }) => {
        const at = now();
        return headers("webhook", id, at, new StandardWebhook(secret).sign(id, at, body));
    },
    svix: ({ secret, id, body }) => {
        const at = now();
        return headers("svix", id, at, new SvixWebhook(secret).sign(id, at, body));
    },
    stripe: ({ secret, body }) => ({
        "Stripe-Signature": new Stripe("sk_test_none").webhooks.generateTestHeaderString({
            payload: body, secret,
        }),
    }),
};

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map((asked) => LIBRARIES[asked.library](asked))));
