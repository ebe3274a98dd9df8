// ui.mjs - the pieces that all views are made of.
import { h } from "./preact.mjs";
import { useEffect, useRef, useState } from "./hooks.mjs";
import htm from "./htm.mjs";
import { act, live } from "./api.mjs";
import { ago, clock, count, full, LANES, STATES, until } from "./words.mjs";

export const html = htm.bind(h);

// --- going somewhere -----------------------------------------------------------------------------

export function go(path) {
    history.pushState(null, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
    scrollTo(0, 0);
}

export function Link({ href, children, ...rest }) {
    const click = (event) => {
        if (!event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
            event.preventDefault();
            go(href);
        }
    };
    return html`<a href=${href} onClick=${click} ...${rest}>${children}</a>`;
}

export const path = (...parts) => "/" + parts.map(encodeURIComponent).join("/");

// --- small things --------------------------------------------------------------------------------

export function State({ word }) {
    const [text, tone] = STATES[word] || [word, "idle"];
    return html`<span class="state ${tone}"><i aria-hidden="true"></i>${text}</span>`;
}

export function useNow(everyMs = 10000) {
    const [now, set] = useState(Date.now());
    useEffect(() => {
        const timer = setInterval(() => set(Date.now()), everyMs);
        return () => clearInterval(timer);
    }, []);
    return now;
}

export function Ago({ time }) {
    const now = useNow();
    return time ? html`<time datetime=${time} title=${full(time)}>${ago(time, now)}</time>` : html`<span>never</span>`;
}

export function Countdown({ time }) {
    const now = useNow(1000);
    return html`<time datetime=${time} title=${full(time)}>${until(time, now)}</time>`;
}

export function Copy({ text }) {
    const [done, set] = useState(false);
    const copy = () => navigator.clipboard.writeText(text).then(() => set(true));
    return html`<button type="button" class="small" onClick=${copy}>${done ? "Copied" : "Copy"}</button>`;
}

export function Facts({ rows }) {
    return html`<dl class="facts">
        ${rows.filter(Boolean).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>`;
}

// --- the five states of a view -------------------------------------------------------------------

function Skeleton() {
    return html`<div class="skeleton" role="status"><span class="hush">Loading</span><b></b><b></b><b></b><b></b></div>`;
}

export function Failed({ problem, again }) {
    return html`<div class="card failed" role="alert">
        <h2>${problem.message}</h2>
        ${problem.detail && html`<p>${problem.detail}</p>`}
        <button type="button" onClick=${again}>Try again</button>
    </div>`;
}

export function Empty({ title, children }) {
    return html`<div class="card empty"><h2>${title}</h2>${children}</div>`;
}

const NAMES = { crm: "the CRM", support: "the support desk", mailer: "the mailer", app: "the web app's hook", alert: "the alerts", ledger: "the ledger", broker: "the broker" };

function list(names) {
    return names.length < 2 ? names.join("") : names.slice(0, -1).join(", ") + " and " + names[names.length - 1];
}

// Shows `children(data)`, and above it whatever is not as it should be. `title`: of a view whose own
// heading comes with the data.
export function Loaded({ from, title, children }) {
    const { data, problem, loading, again } = from;
    if (!data) {
        const heading = title && html`<h1 class="hush">${title}</h1>`;
        return problem ? html`${heading}<${Failed} problem=${problem} again=${again} />` : html`${heading}<${Skeleton} />`;
    }
    const stale = problem || data.fleet === "down";
    const silent = (data.partial || []).filter((name) => name !== "broker");
    return html`<div aria-busy=${loading}>
        ${stale &&
        html`<p class="note bad" role="status">
            ${problem ? problem.message : "The fleet does not answer."} What you see is as of ${clock(data.as_of)}; it comes
            back by itself.
        </p>`}
        ${!stale &&
        silent.length > 0 &&
        html`<p class="note warn" role="status">
            ${list(silent.map((name) => NAMES[name] || name)).replace(/^./, (c) => c.toUpperCase())}
            ${silent.length === 1 ? " does" : " do"} not answer; the rest is current.
        </p>`}
        ${children(data)}
    </div>`;
}

// --- lines ---------------------------------------------------------------------------------------

export function Line({ line, person = true }) {
    return html`<li class="line lane-${line.lane}">
        <span class="lane">${LANES[line.lane] || line.lane}</span>
        <div>
            <p>
                ${person && line.member && html`<${Link} href=${path("members", line.member)}>${line.name || "somebody"}<//>${": "}`}
                <bdi>${line.text}</bdi>
                ${line.who && html`<span class="by"> by ${line.who}</span>`}
            </p>
            <p class="meta">
                <${Ago} time=${line.time} /> · <${Link} href=${path("events", line.event)}>why<//>
                ${line.rule && !line.text.includes(line.rule) && html` · rule: ${line.rule}`}
            </p>
        </div>
    </li>`;
}

export function Lines({ lines, person, empty = "Nothing has happened yet." }) {
    return lines.length
        ? html`<ol class="lines">${lines.map((line) => html`<${Line} key=${line.seq} line=${line} person=${person} />`)}</ol>`
        : html`<p class="quiet">${empty}</p>`;
}

// --- acts ----------------------------------------------------------------------------------------

export function useModal() {
    const ref = useRef(null);
    useEffect(() => {
        const dialog = ref.current;
        if (dialog && !dialog.open) {
            dialog.showModal();
        }
    });
    return ref;
}

// Asks for what an act needs, does it, and says what came of it.
//   fields: [{name, label, kind, value, options, required}]
export function ActDialog({ title, text, fields = [], reason = true, button = "Do it", danger, run, close, done }) {
    const ref = useModal();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState(null);
    const submit = async (event) => {
        event.preventDefault();
        const values = Object.fromEntries(new FormData(event.target));
        setBusy(true);
        setProblem(null);
        try {
            const answer = await run(values);
            close();
            done && done(answer);
        } catch (failure) {
            setProblem(failure);
            if (failure.status === 409) {
                live.changed(); // it is not what was looked at: the page, and with it the dialog, says what is
            }
        }
        setBusy(false);
    };
    const rows = reason ? [...fields, { name: "reason", label: "Why? It is kept with what you do.", kind: "text", required: true }] : fields;
    return html`<dialog ref=${ref} onClose=${close} aria-labelledby="act-title">
        <form method="dialog" onSubmit=${submit}>
            <h2 id="act-title">${title}</h2>
            ${text && html`<p>${text}</p>`}
            ${rows.map((field) => html`<${Field} key=${field.name} field=${field} />`)}
            ${problem && html`<p class="note bad" role="alert">${problem.message} ${problem.detail}</p>`}
            <div class="buttons">
                <button type="button" class="plain" onClick=${() => ref.current.close()}>Leave it</button>
                <button type="submit" class=${danger ? "danger" : "main"} disabled=${busy}>${busy ? "One moment" : button}</button>
            </div>
        </form>
    </dialog>`;
}

function Field({ field }) {
    const { name, label, kind = "text", value = "", options, required, ...rest } = field;
    if (kind === "select") {
        return html`<label>${label}<select name=${name}>${options.map(([word, text]) => html`<option value=${word} selected=${word === value}>${text}</option>`)}</select></label>`;
    }
    return html`<label>${label}<input name=${name} type=${kind} defaultValue=${value} required=${required} autocomplete="off" maxlength="2000" ...${rest} /></label>`;
}

// A button that opens one. `may`: the right that the act needs is there.
export function Act({ label, tone = "", may = true, ask, ...dialog }) {
    const [open, setOpen] = useState(false);
    const [said, setSaid] = useState("");
    if (!may) {
        return null;
    }
    return html`<span class="act">
        <button type="button" class=${tone} onClick=${() => setOpen(true)}>${label}</button>
        ${said && html`<span role="status" class="said">${said}</span>`}
        ${open &&
        html`<${ActDialog} title=${label} ...${dialog} close=${() => setOpen(false)}
            done=${(answer) => (setSaid(dialog.say ? dialog.say(answer) : "Done."), dialog.done && dialog.done(answer))} />`}
    </span>`;
}

export const post = (where, fixed = {}) => (values) => act("POST", where, { ...fixed, ...values });
export const remove = (where) => (values) => act("DELETE", where, values);
export const done = (answer) => `Done: ${count(answer.done, "job")} on the way.`;
