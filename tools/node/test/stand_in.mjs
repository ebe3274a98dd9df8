/* stand_in.mjs - a console of the test's own: the access calls of usher, on a free port.
 *
 *   const usher = await standIn(test);       ends with the test
 *   usher.people["ada@example.com"] = access({ member: "mem_1" })
 *   usher.script.push({ status: 503 })       the next answer, instead
 *   usher.asked                              [{path, key, etag}] */
import { createServer } from "node:http";
import { once } from "node:events";

export const KEY = "uk_test";
export const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;

export function access(more = {}) {
    return {
        member: "mem_1", version: 1, access: true, until: null, reason: "invoice in_1 paid",
        features: ["member"], state: "active", asOf: "2026-01-01T00:00:00Z", ...more,
    };
}

export async function standIn(test) {
    const usher = { people: {}, keys: [], script: [], asked: [], token: null };
    const server = createServer((request, response) => {
        const { authorization, "if-none-match": etag } = request.headers;
        usher.asked.push({ path: request.url, key: authorization, etag });
        const say = ({ status = 200, headers = {}, body = "", hang = false }) => {
            if (!hang) {
                response.writeHead(status, headers);
                response.end(typeof body === "string" ? body : JSON.stringify(body));
            }
        };
        if (usher.script.length > 0) {
            say(usher.script.shift());
        } else if (authorization !== `Bearer ${KEY}`) {
            say({ status: 401, body: { status: 401, title: "no" } });
        } else if (request.url === "/api/v1/access/keys") {
            say({ body: { keys: usher.keys } });
        } else {
            say(personAnswer(usher, decodeURIComponent(request.url.split("/").pop()), etag));
        }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    usher.url = `http://127.0.0.1:${server.address().port}`;
    usher.down = () => {
        server.closeAllConnections();
        server.close();
    };
    test.after(usher.down);
    return usher;
}

function personAnswer(usher, name, etag) {
    const person = usher.people[name];
    if (!person) {
        return { status: 404, body: { status: 404, title: "nobody" } };
    }
    const tag = `"${person.member}-${person.version}"`;
    return tag === etag
        ? { status: 304, headers: { etag: tag } }
        : { body: { ...person, token: usher.token }, headers: { etag: tag } };
}

/** A clock that stands still until it is moved. */
export function clock(start = Date.parse("2026-06-01T12:00:00Z")) {
    const now = () => now.ms;
    now.ms = start;
    now.move = (seconds) => {
        now.ms += seconds * 1000;
    };
    return now;
}
