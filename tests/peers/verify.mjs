// Verifies webhooks as other people's libraries do. In: [{library, secret, body, headers}]; out: [true | false].
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

const LIBRARIES = { standardwebhooks: StandardWebhook, svix: SvixWebhook };

const verdict = ({ library, secret, body, headers }) => {
    try {
        new LIBRARIES[library](secret).verify(body, headers);
        return true;
    } catch {
        return false;
    }
};

let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(verdict)));
