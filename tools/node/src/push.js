/* push.js - a push from usher, checked: Standard Webhooks, signatures "v1".
 *
 * Use      verifyPush() checks a push and gives its Access; signPush() makes one, for tests.
 * Promise  Nothing of the body is looked at before a signature fits. Every signature is compared
 *          with every secret in constant time (WebCrypto's HMAC verify). The timestamp is part of
 *          what is signed and may be off by toleranceSeconds, either way.
 * Faults   PushError with a code of PUSH_FAULTS. */
import { parseAccess } from "./answer.js";
import { fromBase64, fromUtf8, parseJson, subtle, toBase64, utf8 } from "./bytes.js";
import { DEFAULTS, LIMITS } from "./limits.js";

/** code -> [status for usher, what to say]. usher takes 401 as "the key is refused": its queue
 * waits until a person has put the secret right. After a 400 it would give the message up. */
export const PUSH_FAULTS = Object.freeze({
    secret_bad: [500, "a push secret is not whsec_ and base64 of 16 to 512 bytes"],
    header_missing: [401, "a webhook- header is missing"],
    header_bad: [401, "a webhook- header is not as Standard Webhooks has it"],
    timestamp_old: [401, "the timestamp is too old: a replay, or a clock that is wrong"],
    timestamp_new: [401, "the timestamp is in the future: a clock is wrong"],
    signature_bad: [401, "no signature fits: another secret, or a body that was changed"],
    body_big: [400, "the body is too long"],
    body_bad: [400, "the body is not JSON with type and data"],
    type_unknown: [200, "signed by usher, and of a type that this package does not know"],
    access_bad: [400, "the data is not an access object"],
});

export class PushError extends Error {
    /** @param {string} code */
    constructor(code) {
        super(PUSH_FAULTS[code][1]);
        this.name = "PushError";
        this.code = code;
        this.status = PUSH_FAULTS[code][0];
    }
}

/** @param {string} code @returns {never} */
function fail(code) {
    throw new PushError(code);
}

/**
 * @param {import("../index.js").PushInput} push
 * @returns {Promise<import("../index.js").Access>}
 */
export async function verifyPush({ headers, body, secret, secrets, toleranceSeconds, now }) {
    const keys = readSecrets(secrets ?? secret);
    const id = readHeader(headers, "webhook-id", LIMITS.idBytesMax);
    const stamp = readHeader(headers, "webhook-timestamp", 12);
    const list = readHeader(headers, "webhook-signature", LIMITS.signatureHeaderBytesMax);
    checkTimestamp(stamp, toleranceSeconds ?? DEFAULTS.toleranceSeconds, now ?? Date.now());
    const bytes = typeof body === "string" ? utf8(body) : body;
    if (!(bytes instanceof Uint8Array)) {
        throw new TypeError("verifyPush needs the raw body: a string or a Uint8Array, not JSON");
    }
    if (bytes.length > LIMITS.bodyBytesMax) {
        fail("body_big");
    }
    if (!(await isSigned(signedBytes(id, stamp, bytes), readSignatures(list), keys))) {
        fail("signature_bad");
    }
    return readPush(fromUtf8(bytes));
}

/** @param {string|null} text */
function readPush(text) {
    const message = parseJson(text);
    if (typeof message !== "object" || message === null || typeof message.type !== "string") {
        fail("body_bad");
    }
    if (message.type !== "access.changed") {
        fail("type_unknown");
    }
    return parseAccess(message.data) ?? fail("access_bad");
}

/**
 * One or several, as a list or as one text with blanks or commas between them (as an environment
 * variable has them while a secret is being changed).
 * @param {string|string[]|undefined} secrets
 */
export function readSecrets(secrets) {
    const texts = Array.isArray(secrets) ? secrets : String(secrets ?? "").split(/[\s,]+/);
    const keys = texts.filter((text) => text !== "").map((text) => {
        const key = fromBase64(String(text).replace(/^whsec_/, ""));
        if (!key || key.length < LIMITS.secretBytesMin || key.length > LIMITS.secretBytesMax) {
            fail("secret_bad");
        }
        return key;
    });
    return keys.length >= 1 && keys.length <= LIMITS.secretsMax ? keys : fail("secret_bad");
}

/**
 * @param {Headers|Record<string, any>} headers a Headers, or an object as Node's req.headers
 * @param {string} name @param {number} bytesMax
 */
function readHeader(headers, name, bytesMax) {
    const values = typeof headers?.get === "function"
        ? [headers.get(name)]
        : Object.entries(headers ?? {})
            .filter(([key]) => key.toLowerCase() === name)
            .map(([, value]) => value);
    if (values.length === 0 || values[0] === null || values[0] === undefined) {
        fail("header_missing");
    }
    const [value] = values;
    const usable = values.length === 1 && typeof value === "string" && value.length <= bytesMax &&
        /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(value);
    return usable ? value : fail("header_bad");
}

/** @param {string} stamp @param {number} tolerance @param {number} now in ms */
function checkTimestamp(stamp, tolerance, now) {
    if (!/^[0-9]+$/.test(stamp)) {
        fail("header_bad");
    }
    const age = Math.floor(now / 1000) - Number(stamp);
    if (age > tolerance) {
        fail("timestamp_old");
    }
    if (age < -tolerance) {
        fail("timestamp_new");
    }
}

/** Those of version 1; other versions are not for us. @param {string} list */
function readSignatures(list) {
    const all = list.split(" ");
    if (all.length > LIMITS.signaturesMax) {
        fail("header_bad");
    }
    return all
        .filter((entry) => entry.startsWith("v1,"))
        .map((entry) => fromBase64(entry.slice(3)))
        .filter((signature) => signature?.length === 32);
}

/** @param {string} id @param {string} stamp @param {Uint8Array} body */
function signedBytes(id, stamp, body) {
    const head = utf8(`${id}.${stamp}.`);
    const whole = new Uint8Array(head.length + body.length);
    whole.set(head);
    whole.set(body, head.length);
    return whole;
}

const HMAC = { name: "HMAC", hash: "SHA-256" };

/** Goes through all of them whatever fits, so that time does not tell which did. */
async function isSigned(bytes, signatures, keys) {
    const crypto = await subtle();
    let fits = false;
    for (const raw of keys) {
        const key = await crypto.importKey("raw", raw, HMAC, false, ["verify"]);
        for (const signature of signatures) {
            fits = (await crypto.verify("HMAC", key, signature, bytes)) || fits;
        }
    }
    return fits;
}

/**
 * The headers of a push, as usher would send them: for an app's own tests.
 * @param {{id: string, body: string|Uint8Array, secret: string, now?: number}} push
 */
export async function signPush({ id, body, secret, now = Date.now() }) {
    const crypto = await subtle();
    const stamp = String(Math.floor(now / 1000));
    const [raw] = readSecrets(secret);
    const key = await crypto.importKey("raw", raw, HMAC, false, ["sign"]);
    const bytes = signedBytes(id, stamp, typeof body === "string" ? utf8(body) : body);
    const signature = new Uint8Array(await crypto.sign("HMAC", key, bytes));
    return {
        "webhook-id": id,
        "webhook-timestamp": stamp,
        "webhook-signature": `v1,${toBase64(signature)}`,
    };
}
