/* proxy.js - sends visitors without a session away early (Next.js before 16: middleware.js).
 *
 * It saves a page, and guards nothing. It must not be the only guard: with CVE-2025-29927 a header
 * sent by the visitor made Next.js skip it, and a route that the matcher forgets skips it every
 * day. The guard is in lib/lessons.js, where the data is read. */
import { NextResponse } from "next/server";

export function proxy(request) {
    return request.cookies.has("session")
        ? NextResponse.next()
        : NextResponse.redirect(new URL("/", request.url), 303);
}

export const config = { matcher: "/members/:path*" };
