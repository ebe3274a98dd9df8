/* bytes.js - text, base64 and bounded bodies. What cannot be read is null, never half of it. */

const encoder = new TextEncoder();

/** @param {string} text */
export const utf8 = (text) => encoder.encode(text);

/** @param {Uint8Array} bytes @returns {string|null} null: not UTF-8 */
export function fromUtf8(bytes) {
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        return null;
    }
}

/** Strict: whole groups with padding. @param {string} text @returns {Uint8Array|null} */
export function fromBase64(text) {
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
        return null;
    }
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** As JWT writes it: no padding. @param {string} text @returns {Uint8Array|null} */
export function fromBase64Url(text) {
    if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
        return null;
    }
    const plain = text.replaceAll("-", "+").replaceAll("_", "/");
    return fromBase64(plain + "=".repeat((4 - (plain.length % 4)) % 4));
}

/** @param {Uint8Array} bytes */
export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** @param {string|null} text @returns {any} undefined: not JSON */
export function parseJson(text) {
    try {
        return text === null ? undefined : JSON.parse(text);
    } catch {
        return undefined;
    }
}

/**
 * The body of a Request or Response.
 * @param {Request|Response} message @param {number} bytesMax
 * @returns {Promise<Uint8Array|null>} null: longer than that
 */
export async function readBody(message, bytesMax) {
    const parts = [];
    let length = 0;
    if (message.body) {
        const reader = message.body.getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) {
                break;
            }
            length += value.length;
            if (length > bytesMax) {
                reader.cancel().catch(() => {});
                return null;
            }
            parts.push(value);
        }
    }
    const whole = new Uint8Array(length);
    parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
    return whole;
}

/** WebCrypto: in Node 18 it is in a module. @returns {Promise<SubtleCrypto>} */
export async function subtle() {
    if (globalThis.crypto?.subtle) {
        return globalThis.crypto.subtle;
    }
    const { webcrypto } = await import(
        /* webpackIgnore: true */ /* turbopackIgnore: true */ "node:crypto"
    );
    return /** @type {SubtleCrypto} */ (webcrypto.subtle);
}
