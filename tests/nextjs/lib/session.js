/* lib/session.js - who is signed in: a stand-in for the login that your app has already. It
 * believes whatever name it is given, so it is no example of one. What matters here is only that
 * the address comes out of something that the visitor cannot change: a signed cookie. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { cookies } from "next/headers";

export const SESSION_COOKIE = "session";

// Pages and routes may be bundled apart and share the process only. A restart signs all out.
globalThis.exampleSessionSecret ??= randomBytes(32);

const sign = (email) =>
    createHmac("sha256", globalThis.exampleSessionSecret).update(email).digest("base64url");

export const makeSession = (email) => `${encodeURIComponent(email)}.${sign(email)}`;

/** The address of who is signed in, or null. */
export async function readSession() {
    const value = (await cookies()).get(SESSION_COOKIE)?.value ?? "";
    const dot = value.lastIndexOf(".");
    try {
        const email = decodeURIComponent(value.slice(0, Math.max(dot, 0)));
        const given = Buffer.from(value.slice(dot + 1));
        const wanted = Buffer.from(sign(email));
        return given.length === wanted.length && timingSafeEqual(given, wanted) ? email : null;
    } catch {
        return null; // not of our making
    }
}
