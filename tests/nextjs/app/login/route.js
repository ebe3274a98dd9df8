/* app/login/route.js - the stand-in for a login: /login?as=ada is ada@example.com from now on. */
import { makeSession, SESSION_COOKIE } from "../../lib/session.js";

export function GET(request) {
    const as = new URL(request.url).searchParams.get("as")?.trim().toLowerCase() || "ada";
    const email = as.includes("@") ? as : `${as}@example.com`;
    const cookie = `${SESSION_COOKIE}=${makeSession(email)}; Path=/; HttpOnly; SameSite=Lax`;
    const headers = { location: "/members", "set-cookie": cookie };
    return new Response(null, { status: 303, headers });
}
