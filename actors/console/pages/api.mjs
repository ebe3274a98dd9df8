// api.mjs - the console's API for the pages: reading with an age, acts, and what happens live.
import { useEffect, useState } from "./hooks.mjs";

let csrf = "";

export class Problem extends Error {
    constructor(status, title, detail) {
        super(title);
        this.status = status;
        this.detail = detail || "";
    }
}

function toSignIn() {
    location.assign("/login?next=" + encodeURIComponent(location.pathname + location.search));
}

async function call(method, path, body) {
    const options = { method, headers: { Accept: "application/json" } };
    if (method !== "GET") {
        options.headers["Content-Type"] = "application/json";
        options.headers["X-Usher-CSRF"] = csrf;
        options.body = JSON.stringify(body || {});
    }
    let response;
    try {
        response = await fetch("/api/v1/" + path, options);
    } catch {
        throw new Problem(0, "The console does not answer.", "Is this device online? It is tried again by itself.");
    }
    if (response.status === 401) {
        toSignIn();
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
        throw new Problem(response.status, answer.title || "That did not work.", answer.detail);
    }
    return answer;
}

export async function loadMe() {
    const me = await call("GET", "me");
    csrf = me.csrf;
    return me;
}

// What was read last, by path: a view that opens again shows it at once, with its age.
const kept = new Map();
const KEPT_MAX = 60;

function keep(path, data) {
    kept.delete(path);
    kept.set(path, data);
    if (kept.size > KEPT_MAX) {
        kept.delete(kept.keys().next().value);
    }
}

export function read(path) {
    return call("GET", path).then((data) => {
        keep(path, data);
        return data;
    });
}

// After an act whatever was kept may be wrong.
export async function act(method, path, body) {
    const answer = await call(method, path, body);
    kept.clear();
    live.changed();
    return answer;
}

const AGAIN_MS = 3000;

// Not all of it came, and nobody will say when it would.
function isLacking(data, problem) {
    if (problem) {
        return problem.status === 0 || problem.status >= 500;
    }
    return Boolean(data && (data.fleet === "down" || (data.partial || []).length));
}

// {data, problem, loading, again}: data stays while it is read once more, and when that fails. What
// was not whole is read again by itself.
export function useRead(path) {
    const [state, set] = useState({ path: null, data: null, problem: null, loading: true });
    const [turn, setTurn] = useState(0);
    useEffect(() => {
        let over = false;
        if (path === null) {
            return undefined;
        }
        set((was) => ({
            path,
            data: was.path === path && was.data ? was.data : kept.get(path) || null,
            problem: null,
            loading: true,
        }));
        read(path).then(
            (data) => over || set({ path, data, problem: null, loading: false }),
            (problem) => over || set((was) => ({ ...was, problem, loading: false })),
        );
        return () => {
            over = true;
        };
    }, [path, turn]);
    const again = () => setTurn((was) => was + 1);
    useEffect(() => live.onChange(again), []);
    useEffect(() => {
        if (state.loading || !isLacking(state.data, state.problem)) {
            return undefined;
        }
        const timer = setTimeout(again, AGAIN_MS);
        return () => clearTimeout(timer);
    }, [state]);
    const current = state.path === path ? state : { data: kept.get(path) || null, problem: null, loading: true };
    return { ...current, again };
}

// --- of this browser ----------------------------------------------------------------------------

// Keys of one letter, which voice input may type by mistake (WCAG 2.1.4).
export const hasKeys = () => localStorage.getItem("keys") !== "off";
export const setKeys = (on) => localStorage.setItem("keys", on ? "on" : "off");

// --- live ---------------------------------------------------------------------------------------

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 15000;

// One stream for all views. Lines are collected for whoever shows them; a change of the whole makes
// views read again.
class Live {
    constructor() {
        this.state = { fleet: "up", problems: 0, color: "", sentence: "" };
        this.connected = true;
        this.lines = new Set();
        this.states = new Set();
        this.changes = new Set();
        this.retryMs = RETRY_MS_MIN;
    }

    start() {
        const source = new EventSource("/api/v1/live");
        source.onopen = () => {
            const back = !this.connected;
            this.retryMs = RETRY_MS_MIN;
            this.connected = true;
            this.tell();
            if (back) {
                this.changed();
            }
        };
        source.onerror = () => {
            source.close();
            this.connected = false;
            this.tell();
            call("GET", "me").catch(() => {}); // has the session ended? It leads to the sign-in page
            setTimeout(() => this.start(), this.retryMs);
            this.retryMs = Math.min(2 * this.retryMs, RETRY_MS_MAX);
        };
        source.addEventListener("line", (event) => {
            const line = JSON.parse(event.data);
            this.lines.forEach((each) => each(line));
        });
        source.addEventListener("state", (event) => {
            const was = this.state;
            this.state = JSON.parse(event.data);
            this.tell();
            if (was.color && (was.fleet !== this.state.fleet || was.problems !== this.state.problems)) {
                this.changed();
            }
        });
    }

    tell() {
        this.states.forEach((each) => each());
    }

    changed() {
        this.changes.forEach((each) => each());
    }

    onLine(each) {
        this.lines.add(each);
        return () => this.lines.delete(each);
    }

    onState(each) {
        this.states.add(each);
        return () => this.states.delete(each);
    }

    onChange(each) {
        this.changes.add(each);
        return () => this.changes.delete(each);
    }
}

export const live = new Live();

export function useLive() {
    const [, set] = useState(0);
    useEffect(() => live.onState(() => set((was) => was + 1)), []);
    return { ...live.state, connected: live.connected };
}

// How many lines came since the view was read, for "12 new".
export function useNews(wanted) {
    const [count, set] = useState(0);
    useEffect(() => live.onLine((line) => (!wanted || wanted(line)) && set((was) => was + 1)), []);
    return [count, () => set(0)];
}
